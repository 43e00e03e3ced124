DROP FUNCTION api.discard_upload(text);
DROP FUNCTION api.undo_load(bigint);
DROP FUNCTION api.preview_undo(bigint);
DROP FUNCTION twin.defer_undo(text, bigint);
DROP VIEW api.undoing;
DROP TABLE twin.undoing;
UPDATE twin.upload SET receipt = jsonb_build_object('en', receipt, 'zh', receipt) WHERE receipt IS NOT NULL;
COMMENT ON COLUMN twin.upload.receipt IS 'the receipt, by language';
CREATE OR REPLACE FUNCTION api.inspect_upload(upload_id text, kind text) RETURNS boolean
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
CREATE OR REPLACE FUNCTION api.load_upload(upload_id text, mapping jsonb) RETURNS boolean
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
