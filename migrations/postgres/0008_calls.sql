-- Calls of an entrypoint by hand are in the history.
ALTER TABLE history
    DROP CONSTRAINT history_action_check,
    ADD CONSTRAINT history_action_check
        CHECK (action IN ('create', 'configure', 'reveal', 'start', 'stop', 'publish', 'unpublish', 'archive', 'call', 'delete',
            'repair', 'degraded', 'healed'));
