//! Adding a version: the button, the drop zone over the whole page, what was found in the file, and how far the upload
//! is.

pub mod review;

use std::time::Duration;

use leptos::{ev, leptos_dom::helpers::debounce, prelude::*};

use crate::{
    format, platform,
    state::upload::{Upload, UploadState},
    ui::{
        icon::{Icon, Shape},
        inline_code::render_inline_code,
        problems::ProblemList,
    },
};
use review::{ReviewProps, UncheckedReview};

/// Of the part of the page that tells of the upload. The focus goes there when the button that had it is gone.
const AREA: &str = "upload";
const PICKER: &str = "add-version";
/// After so long without progress a person is told why.
const STANDSTILL: Duration = Duration::from_secs(3);

/// The button with its hidden file picker. A label of the input, so that it works by keyboard as the input itself does.
#[component]
pub fn AddVersionButton(upload: Upload) -> impl IntoView {
    let busy = move || upload.state.with(UploadState::under_way);
    let denied = upload.denied();
    view! {
        <div class="file-button" title=move || denied.get()>
            <input
                id=PICKER
                class="file-button__input"
                type="file"
                accept=".krt"
                disabled=move || busy() || denied.with(Option::is_some)
                on:change=move |event| upload.take(platform::picked_files(&event))
            />
            <label for=PICKER class="button button--primary"><Icon shape=Shape::Plus/>"Add version"</label>
            <span class="visually-hidden">{move || denied.get()}</span>
        </div>
    }
    .into_any()
}

/// Takes files dropped anywhere on the page; shows that it does while files are dragged over it.
#[component]
pub fn DropZone(upload: Upload) -> impl IntoView {
    // Entering a child fires before leaving its parent, so the depth tells when the pointer has left the page.
    let depth = RwSignal::new(0i32);
    Effect::new(move |_| {
        let enter = window_event_listener(ev::dragenter, move |event| {
            if platform::drags_files(&event) {
                event.prevent_default();
                depth.update(|depth| *depth += 1);
            }
        });
        let over = window_event_listener(ev::dragover, move |event| {
            if platform::drags_files(&event) {
                event.prevent_default();
            }
        });
        let leave = window_event_listener(ev::dragleave, move |event| {
            if platform::drags_files(&event) {
                depth.update(|depth| *depth = (*depth - 1).max(0));
            }
        });
        let drop = window_event_listener(ev::drop, move |event| {
            if platform::drags_files(&event) {
                event.prevent_default();
                depth.set(0);
                upload.take(platform::dragged_files(&event));
            }
        });
        on_cleanup(move || {
            enter.remove();
            over.remove();
            leave.remove();
            drop.remove();
        });
    });
    view! {
        <div class="drop-zone" class:drop-zone--shown=move || { depth.get() > 0 } aria-hidden="true">
            <div class="drop-zone__text">
                <Icon shape=Shape::Upload/>
                {move || match upload.state.with(UploadState::under_way) {
                    true => "Wait for the current upload",
                    false => "Drop the .krt file to add it as a version",
                }}
            </div>
        </div>
    }
    .into_any()
}

/// What was found in the file, how far the upload is, and how it ended. `show_review` shows the first, whose code is not
/// there to begin with.
#[component]
pub fn UploadProgress(
    upload: Upload,
    runtime_href: String,
    show_review: Callback<ReviewProps, AnyView>,
) -> impl IntoView {
    let runtime_href = StoredValue::new(runtime_href);
    // Bytes change often; the parts that do not depend on them stay as they are.
    let done = Memo::new(move |_| match upload.state.get() {
        UploadState::Reading { read_bytes, size_bytes, .. } => (read_bytes, size_bytes),
        UploadState::Sending { sent_bytes, size_bytes, .. } => (sent_bytes, size_bytes),
        _ => (0, 0),
    });
    let phase = Memo::new(move |_| match upload.state.get() {
        UploadState::Reading { file, size_bytes, .. } => UploadState::Reading { file, size_bytes, read_bytes: 0 },
        UploadState::Sending { file, size_bytes, .. } => UploadState::Sending { file, size_bytes, sent_bytes: 0 },
        other => other,
    });
    let view = move || {
        match phase.get() {
        UploadState::Idle => None,
        UploadState::Reading { file, .. } => Some(moving(upload, "Checking ", file, "Checked", done, None).into_any()),
        UploadState::Review { file, size_bytes, check } => {
            Some(show_review.run(ReviewProps { upload, file, size_bytes, check }))
        }
        UploadState::Unchecked { file, size_bytes } => {
            Some(view! { <UncheckedReview upload file size_bytes/> }.into_any())
        }
        UploadState::Sending { file, .. } => {
            Some(moving(upload, "Sending ", file, "Sent", done, Some(standstill(done))).into_any())
        }
        UploadState::Checking { file } => Some(
            view! {
                <div class="upload">
                    <p><strong>{file}</strong>" has arrived. The server is checking it…"</p>
                    <progress class="progress" aria-label="Checking"></progress>
                    {standstill(done)}
                </div>
            }
            .into_any(),
        ),
        UploadState::Refused { file, message, problems } => Some(
            view! {
                <div class="upload" data-tone="bad">
                    <p class="upload__title"><Icon shape=Shape::Cross/><span><strong>{file}</strong>" was not added"</span></p>
                    <p>{render_inline_code(&message)}</p>
                    {(!problems.is_empty()).then(|| view! { <ProblemList problems/> })}
                    {dismiss_button(upload)}
                </div>
            }
            .into_any(),
        ),
        UploadState::Added { version } => Some(
            view! {
                <div class="upload" data-tone="good">
                    <p class="upload__title">
                        <Icon shape=Shape::Check/>
                        <span>
                            <a href=format!("{}/versions/{version}", runtime_href.get_value())>
                                <strong>{version.to_string()}</strong>
                            </a>
                            " was added. Open it to configure and start it."
                        </span>
                    </p>
                    {dismiss_button(upload)}
                </div>
            }
            .into_any(),
        ),
    }
    };
    view! {
        // Read out in one sentence: the whole review would be too much.
        <p class="visually-hidden" role="status">{move || phase.with(in_words)}</p>
        <section id=AREA class="upload-area" aria-label="Upload" tabindex="-1">{view}</section>
    }
    .into_any()
}

fn in_words(state: &UploadState) -> String {
    match state {
        UploadState::Idle => String::new(),
        UploadState::Reading { file, .. } => format!("Checking {file}."),
        UploadState::Review { file, check, .. } => match check.errors() {
            0 => format!("{file} can be added. Review it, then press Upload."),
            errors => format!("{file} cannot be added: {errors} errors."),
        },
        UploadState::Unchecked { file, .. } => format!("{file} cannot be checked in this browser."),
        UploadState::Sending { file, .. } => format!("Sending {file}."),
        UploadState::Checking { file } => format!("{file} has arrived. The server is checking it."),
        UploadState::Refused { file, message, .. } => format!("{file} was not added. {message}"),
        UploadState::Added { version } => format!("{version} was added."),
    }
}

/// The progress of a file that is being read or sent.
fn moving(
    upload: Upload,
    doing: &'static str,
    file: String,
    label: &'static str,
    done: Memo<(u64, u64)>,
    note: Option<AnyView>,
) -> impl IntoView {
    view! {
        <div class="upload">
            <p>{doing}<strong>{file}</strong></p>
            <progress
                class="progress"
                aria-label=label
                max=move || done.get().1.to_string()
                value=move || done.get().0.to_string()
            ></progress>
            <p class="upload__numbers" aria-hidden="true">
                {move || format!("{} of {}", format::size(done.get().0), format::size(done.get().1))}
            </p>
            {note}
            <button type="button" class="button" on:click=move |_| cancel(upload)>"Cancel"</button>
        </div>
    }
    .into_any()
}

/// Why nothing goes on, when nothing does: the server reads a few uploads at a time, and the others wait.
fn standstill(done: Memo<(u64, u64)>) -> AnyView {
    let stands = RwSignal::new(false);
    let mut nothing_came = debounce(STANDSTILL, move |()| {
        stands.try_set(true);
    });
    Effect::new(move |_| {
        done.track();
        stands.set(false);
        nothing_came(());
    });
    view! {
        <p class="quiet" role="status">
            {move || stands.get().then_some(
                "Waiting: the server limits concurrent uploads, or the network is slow. The upload continues by itself.",
            )}
        </p>
    }
    .into_any()
}

/// The button is gone then; the focus goes to where the next file is picked.
fn cancel(upload: Upload) {
    upload.cancel();
    platform::focus(PICKER);
}

fn dismiss_button(upload: Upload) -> impl IntoView {
    view! { <button type="button" class="button" on:click=move |_| upload.dismiss()>"Dismiss"</button> }.into_any()
}
