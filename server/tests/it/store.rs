//! One conformance suite over both databases: each test gets an empty store, once in a SQLite file and once in a
//! PostgreSQL database.

use std::sync::Arc;

use server::store::{self, Store};

use crate::support::postgres;

mod access;
mod accounts;
mod activity;
mod commands;
mod config;
mod deletion;
mod inherit;
mod limits;
mod measurements;
mod messaging;
mod migration;
mod oidc_flows;
mod opening;
mod publication;
mod reconciling;
mod runtimes;
mod samples;
mod server_entries;
mod simultaneous;
mod versions;
mod walk;

/// An empty store, and where it is.
struct Db {
    store: Arc<Store>,
    url: String,
    _dir: Option<tempfile::TempDir>,
}

impl Db {
    async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("kai.db").display());
        Self::at(url, Some(dir)).await
    }

    async fn in_memory() -> Self {
        let url = "sqlite::memory:".to_owned();
        Self::at(url, None).await
    }

    async fn postgres() -> Self {
        let url = postgres::new_database().await;
        Self::at(url, None).await
    }

    async fn at(url: String, dir: Option<tempfile::TempDir>) -> Self {
        let store = store::open(&url).await.unwrap();
        samples::add_mira(&store).await;
        Self { store, url, _dir: dir }
    }

    /// Another server's, or the next process', view of the same state.
    async fn open_again(&self) -> Arc<Store> {
        store::open(&self.url).await.unwrap()
    }
}

/// A test that is not listed here is dead code, which the build refuses.
macro_rules! conformance {
    ($($module:ident { $($test:ident)* })*) => {
        conformance!(on sqlite { $($module { $($test)* })* });
        conformance!(on postgres { $($module { $($test)* })* });
    };
    (on $database:ident { $($module:ident { $($test:ident)* })* }) => {
        mod $database {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::super::super::$module::$test(super::super::super::Db::$database().await).await;
                })*
            })*
        }
    };
}

mod on {
    conformance! {
        accounts {
            a_link_sets_a_password_once_and_ends_what_was_before
            a_session_ends_by_time_by_its_owner_and_with_its_person
            nobody_ends_or_disables_what_is_not_theirs_to
            a_token_may_do_no_more_than_its_owner_at_present
            the_highest_grant_of_a_person_their_groups_and_everyone_counts
            grants_and_tokens_go_with_their_runtime
            each_change_is_seen_by_its_revision_and_in_the_audit_log
            a_part_of_the_audit_log_is_found
            whom_a_provider_knows_is_found_again_by_its_word_alone
            an_administrator_is_one_who_can_sign_in
        }
        measurements {
            minutes_are_added_to_and_old_ones_removed
            measurements_go_with_their_version
        }
        runtimes {
            a_created_runtime_is_found_and_listed
            runtimes_are_listed_by_name_whatever_the_case
            a_taken_id_is_refused
            a_taken_name_is_refused
            what_there_is_not_is_none_or_not_found
        }
        versions {
            a_created_version_is_stopped_and_has_all_that_was_given
            creating_a_version_is_the_first_line_of_its_history
            a_taken_name_is_refused_and_nothing_is_written
            two_runtimes_may_have_versions_of_one_name
            a_version_needs_its_runtime
            versions_are_listed_newest_first_with_the_archived_ones
            the_intent_leaves_out_what_is_archived
            an_object_is_in_use_while_a_version_has_it
        }
        commands {
            each_command_in_each_state_does_what_the_lifecycle_says
            a_start_begins_an_unsettled_generation_with_a_deadline
            a_start_that_lacks_configuration_is_refused_with_what_is_missing
            a_stop_cancels_the_pending_start
            an_archived_version_is_settled_at_once
            the_history_tells_who_when_and_why
            each_start_makes_a_new_credential
        }
        config {
            values_are_set_replaced_and_removed
            the_history_names_what_changed_and_no_value
            setting_what_is_so_already_writes_nothing
            configuring_moves_the_revision_and_leaves_the_generation
            a_version_that_runs_keeps_its_configuration_complete
            what_is_archived_keeps_its_configuration
            more_values_than_there_is_room_for_are_refused
            a_value_that_somebody_sees_is_in_the_history_with_who
            no_value_and_no_credential_is_printed
        }
        inherit {
            for_each_name_the_newest_value_is_inherited
            what_is_skipped_and_what_is_of_another_kind_is_not_inherited
            no_more_is_inherited_than_there_is_room_for
            a_variable_too_large_for_an_environment_is_not_inherited_and_a_warning_says_so
            what_is_kept_of_a_file_comes_with_its_version
        }
        reconciling {
            a_settled_start_is_started_and_reached
            a_settled_stop_is_stopped_and_reached
            a_failed_start_goes_back_to_stopped_with_the_reason
            the_reason_stays_until_the_next_start
            a_stale_generation_writes_nothing
            what_has_settled_neither_settles_again_nor_fails
            a_stop_is_not_failed_as_a_start
        }
        publication {
            a_publish_is_pending_until_it_is_seen_to_serve
            publishing_another_moves_the_publication_and_both_versions_revisions
            unpublishing_leads_back_to_started
            nobody_else_moves_the_entrypoint_while_it_is_switched_over
            a_failed_publish_leaves_what_was_serving
            a_failed_first_publish_leaves_nothing_published
            a_publish_failure_is_cleared_by_a_publish_that_is_reached
            a_publish_failure_outlives_the_stop_and_is_cleared_by_the_next_start
            a_stale_target_writes_nothing
            a_runtime_publishes_only_its_own_versions
        }
        server_entries {
            a_repair_is_pending_until_it_is_seen_done
            one_object_that_is_put_back_again_and_again_is_one_entry
            different_edits_of_one_object_are_entries_of_their_own_with_their_own_counts
            a_command_leaves_a_repair_and_a_stop_cancels_it
            a_version_degrades_and_recovers_again_and_again
            a_start_begins_a_health_of_its_own
            what_runs_no_more_gets_no_entry
        }
        access {
        a_transaction_does_nothing_that_the_role_does_not_allow
        a_runtime_that_may_not_be_seen_is_answered_like_one_that_does_not_exist
        an_activity_page_has_only_what_may_be_seen
    }
    activity {
            all_versions_entries_are_in_one_list_newest_first
            each_filter_lets_through_what_it_is_about
            a_list_is_read_page_by_page_with_nothing_twice_and_nothing_missing
            a_versions_history_is_read_page_by_page
        }
        deletion {
            a_deleted_version_is_gone_and_what_was_done_to_it_stays
            only_an_archived_version_is_deleted
            another_version_of_a_deleted_ones_name_has_a_history_of_its_own
            documents_go_with_the_last_version_of_their_file
            a_version_that_comes_while_another_of_its_file_goes_has_its_documents
            many_documents_come_with_their_version
            an_empty_runtime_is_deleted_and_one_with_versions_is_not
            versions_are_found_by_how_long_they_have_been_archived
        }
        oidc_flows {
            a_sign_in_is_taken_once_and_by_its_browser
            of_those_who_take_one_sign_in_one_gets_it
            an_expired_sign_in_is_gone
        }
        messaging {
            after_a_long_outage_what_runs_restarts_once
            after_an_outage_that_runners_survive_nothing_restarts
            a_generation_is_chosen_while_a_version_is_stopped_and_inherited_by_its_like
        }
        simultaneous {
            of_those_who_create_one_runtime_one_succeeds
            of_those_who_add_one_version_one_succeeds
            of_those_who_start_one_version_one_succeeds_and_the_others_are_told_the_state
            of_those_who_publish_one_entrypoint_one_succeeds
            of_a_stop_and_a_settling_both_orders_end_alike
            values_set_at_once_are_all_kept
            of_values_for_which_there_is_no_room_together_one_is_kept
            a_value_set_while_its_version_is_archived_is_kept_or_refused
            runtimes_do_not_wait_for_each_other
            what_nobody_waits_for_any_more_leaves_no_trace
        }
        walk {
            whatever_happens_the_invariants_hold
        }
        opening {
            what_was_written_is_there_when_opened_again
            opening_again_and_again_changes_nothing
            the_database_answers
            a_database_keeps_the_identity_that_its_first_opening_made
            text_with_a_nul_is_refused_alike
        }
    }
}
