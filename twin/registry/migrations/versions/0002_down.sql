DROP FUNCTION api.load_upload(text, jsonb);
DROP FUNCTION api.inspect_upload(text, text);
DROP FUNCTION api.add_upload(text, text, bigint);
DROP FUNCTION twin.defer_upload(text, text);
DROP VIEW api.upload;
DROP TABLE twin.upload;
DROP SCHEMA queue CASCADE;
