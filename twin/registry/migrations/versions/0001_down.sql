-- The extension and the roles stay: others on this server may use them.
DROP SCHEMA city CASCADE;
DROP SCHEMA stage CASCADE;
DROP SCHEMA api CASCADE;
DROP SCHEMA twin CASCADE;
