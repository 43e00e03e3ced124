CREATE TABLE twin.identifier_whole (LIKE twin.identifier INCLUDING DEFAULTS INCLUDING COMMENTS);
INSERT INTO twin.identifier_whole SELECT * FROM twin.identifier;
CREATE OR REPLACE VIEW api.identifier AS
    SELECT * FROM twin.identifier_whole i
    WHERE (SELECT api.scope_is_everything()) OR EXISTS (SELECT FROM api.asset a WHERE a.code = i.code);
DROP TABLE twin.identifier;
ALTER TABLE twin.identifier_whole RENAME TO identifier;
CREATE UNIQUE INDEX identifier_current ON twin.identifier (scheme, value, issuer) WHERE valid_to IS NULL;
CREATE INDEX identifier_value ON twin.identifier (value);
CREATE INDEX identifier_code ON twin.identifier (code);
ANALYZE twin.identifier;
