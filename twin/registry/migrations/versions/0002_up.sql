-- The API's role has no right on the queue or on twin.upload: it calls three functions, each of which changes an
-- upload and defers the work on it in one transaction, and reads a view.
CREATE TABLE twin.upload (
    id text NOT NULL,
    name text NOT NULL,
    size bigint NOT NULL,
    state text NOT NULL DEFAULT 'inspecting',
    said_kind text,
    report jsonb,
    choice jsonb,
    done bigint,
    total bigint,
    load_id bigint,
    receipt jsonb,
    problem jsonb,
    rejects text,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT upload_pkey PRIMARY KEY (id),
    CONSTRAINT upload_state CHECK (state IN ('inspecting', 'inspected', 'waiting', 'loading', 'loaded', 'refused'))
);
COMMENT ON TABLE twin.upload IS 'files that came through the web; the files themselves lie in TWIN_HOME/uploads';
COMMENT ON COLUMN twin.upload.id IS 'random; the name of its folder';
COMMENT ON COLUMN twin.upload.name IS 'the file''s name, without its folder';
COMMENT ON COLUMN twin.upload.report IS 'what twin inspect found, by language';
COMMENT ON COLUMN twin.upload.choice IS 'the mapping that was confirmed';
COMMENT ON COLUMN twin.upload.done IS 'rows read so far';
COMMENT ON COLUMN twin.upload.receipt IS 'the receipt, by language';
COMMENT ON COLUMN twin.upload.problem IS 'why it was refused: code, and words by language';
COMMENT ON COLUMN twin.upload.rejects IS 'name of the file of rejected rows';
CREATE INDEX upload_created_at ON twin.upload (created_at);

CREATE VIEW api.upload AS SELECT * FROM twin.upload WHERE (SELECT api.scope_is_everything());
GRANT SELECT ON api.upload TO twin_api;

CREATE FUNCTION twin.defer_upload(task text, upload_id text) RETURNS void
    LANGUAGE sql SET search_path = queue, pg_catalog, pg_temp
    BEGIN ATOMIC
        SELECT queue.procrastinate_defer_jobs_v1(ARRAY[
            ('uploads', task, 0, upload_id, NULL, jsonb_build_object('upload', upload_id), NULL)
                ::queue.procrastinate_job_to_defer_v1
        ]);
    END;

CREATE FUNCTION api.add_upload(upload_id text, file_name text, bytes bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
        INSERT INTO twin.upload (id, name, size) VALUES (upload_id, file_name, bytes);
        SELECT twin.defer_upload('inspect', upload_id);
    END;

-- The next two give false where the upload does not wait for anybody's decision.
CREATE FUNCTION api.inspect_upload(upload_id text, kind text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE twin.upload AS u
    SET state = 'inspecting', said_kind = kind, report = NULL, problem = NULL, changed_at = now()
    WHERE u.id = upload_id AND u.state IN ('inspected', 'refused');
    IF FOUND THEN
        PERFORM twin.defer_upload('inspect', upload_id);
        RETURN true;
    END IF;
    RETURN false;
END $$;

CREATE FUNCTION api.load_upload(upload_id text, mapping jsonb) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE twin.upload AS u
    SET state = 'waiting', choice = mapping, problem = NULL, done = NULL, total = NULL, changed_at = now()
    WHERE u.id = upload_id AND u.state IN ('inspected', 'refused') AND u.report IS NOT NULL;
    IF FOUND THEN
        PERFORM twin.defer_upload('load', upload_id);
        RETURN true;
    END IF;
    RETURN false;
END $$;

REVOKE ALL ON FUNCTION twin.defer_upload, api.add_upload, api.inspect_upload, api.load_upload FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api.add_upload, api.inspect_upload, api.load_upload TO twin_api;
