-- As with uploads, the API's role calls functions that defer the work, and reads a view.
CREATE TABLE twin.undoing (
    load_id bigint NOT NULL,
    state text NOT NULL DEFAULT 'previewing',
    receipt jsonb,
    problem jsonb,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT undoing_pkey PRIMARY KEY (load_id),
    CONSTRAINT undoing_state CHECK (state IN ('previewing', 'previewed', 'waiting', 'undone', 'refused'))
);
COMMENT ON TABLE twin.undoing IS 'loads whose undoing was asked for on the web';
COMMENT ON COLUMN twin.undoing.load_id IS 'the load that is to be undone';
COMMENT ON COLUMN twin.undoing.receipt IS 'what the dry run said, later the undo itself';
COMMENT ON COLUMN twin.undoing.problem IS 'why it was refused: code, and words by language';

CREATE VIEW api.undoing AS SELECT * FROM twin.undoing WHERE (SELECT api.scope_is_everything());
GRANT SELECT ON api.undoing TO twin_api;

CREATE FUNCTION twin.defer_undo(task text, number bigint) RETURNS void
    LANGUAGE sql SET search_path = queue, pg_catalog, pg_temp
    BEGIN ATOMIC
        SELECT queue.procrastinate_defer_jobs_v1(ARRAY[
            ('uploads', task, 0, 'undo-' || number, NULL, jsonb_build_object('load', number), NULL)
                ::queue.procrastinate_job_to_defer_v1
        ]);
    END;

-- False where it is being worked on already, or there is no such load.
CREATE FUNCTION api.preview_undo(number bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO twin.undoing AS u (load_id) SELECT l.id FROM twin.load l WHERE l.id = number
    ON CONFLICT (load_id) DO UPDATE
    SET state = 'previewing', receipt = NULL, problem = NULL, changed_at = now()
    WHERE u.state NOT IN ('previewing', 'waiting');
    IF FOUND THEN
        PERFORM twin.defer_undo('preview_undo', number);
        RETURN true;
    END IF;
    RETURN false;
END $$;

-- False where nobody was told before what it would do.
CREATE FUNCTION api.undo_load(number bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE twin.undoing AS u
    SET state = 'waiting', problem = NULL, changed_at = now()
    WHERE u.load_id = number AND u.state = 'previewed';
    IF FOUND THEN
        PERFORM twin.defer_undo('undo', number);
        RETURN true;
    END IF;
    RETURN false;
END $$;

-- False where the upload is being worked on.
CREATE FUNCTION api.discard_upload(upload_id text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM twin.upload AS u WHERE u.id = upload_id AND u.state IN ('inspected', 'refused');
    RETURN FOUND;
END $$;

REVOKE ALL ON FUNCTION twin.defer_undo, api.preview_undo, api.undo_load, api.discard_upload FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.preview_undo, api.undo_load, api.discard_upload TO twin_api;

-- A receipt of before lacks what its findings' words name.
UPDATE twin.upload SET receipt = receipt -> 'en' WHERE receipt ? 'en';
COMMENT ON COLUMN twin.upload.receipt IS 'the receipt, of a dry run too';

-- What a dry run said holds no longer when something else was chosen.
CREATE OR REPLACE FUNCTION api.inspect_upload(upload_id text, kind text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE twin.upload AS u
    SET state = 'inspecting', said_kind = kind, choice = NULL, report = NULL, receipt = NULL, rejects = NULL,
        problem = NULL, changed_at = now()
    WHERE u.id = upload_id AND u.state IN ('inspected', 'refused');
    IF FOUND THEN
        PERFORM twin.defer_upload('inspect', upload_id);
        RETURN true;
    END IF;
    RETURN false;
END $$;

CREATE OR REPLACE FUNCTION api.load_upload(upload_id text, mapping jsonb) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE twin.upload AS u
    SET state = 'waiting', choice = mapping, receipt = NULL, rejects = NULL, problem = NULL, done = NULL,
        total = NULL, changed_at = now()
    WHERE u.id = upload_id AND u.state IN ('inspected', 'refused') AND u.report IS NOT NULL;
    IF FOUND THEN
        PERFORM twin.defer_upload('load', upload_id);
        RETURN true;
    END IF;
    RETURN false;
END $$;
