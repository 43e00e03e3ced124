DROP VIEW api.load;
DROP VIEW twin.undone;
ALTER TABLE twin.load DROP COLUMN undoes, DROP COLUMN recorded_at;
CREATE VIEW api.load AS
    SELECT * FROM twin.load
    WHERE (SELECT api.scope_is_everything())
       OR ((SELECT api.scope_is_set())
           AND ((SELECT api.scope_of('kinds')) IS NULL OR kind = ANY ((SELECT api.scope_of('kinds'))::text[])));
GRANT SELECT ON api.load TO twin_api;
