-- Totals of roll-ups: how many assets of a kind each cell holds, and of all kinds together.
CREATE TABLE twin.rollup_cell (
    kind text NOT NULL,
    cell bigint NOT NULL,
    assets integer NOT NULL,
    CONSTRAINT rollup_cell_pkey PRIMARY KEY (kind, cell)
) WITH (fillfactor = 80);
COMMENT ON COLUMN twin.rollup_cell.kind IS 'empty: all kinds together';

-- What a transaction has changed of roll-ups, until it commits: totals of all kinds are rows that everybody changes, and
-- who held one for longer would have loads of other kinds wait, and wait in circles.
CREATE UNLOGGED TABLE twin.rollup_pending (
    kind text NOT NULL,
    cells bigint[] NOT NULL,
    assets integer[] NOT NULL,
    first boolean NOT NULL
);
COMMENT ON TABLE twin.rollup_pending IS 'rows are seen by the transaction alone that writes them, and gone when it commits';

-- After a statement that changed roll-ups.
CREATE FUNCTION twin.note_totals() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    first CONSTANT boolean := NOT EXISTS (SELECT FROM twin.rollup_pending);
BEGIN
    CASE TG_OP
        WHEN 'INSERT' THEN
            INSERT INTO twin.rollup_pending
            SELECT kind, array_agg(cell), array_agg(assets), first FROM after WHERE assets <> 0 GROUP BY kind;
        WHEN 'DELETE' THEN
            INSERT INTO twin.rollup_pending
            SELECT kind, array_agg(cell), array_agg(-assets), first FROM before WHERE assets <> 0 GROUP BY kind;
        ELSE
            INSERT INTO twin.rollup_pending
            SELECT kind, array_agg(cell), array_agg(assets), first
            FROM (SELECT kind, cell, assets FROM after UNION ALL SELECT kind, cell, -assets FROM before) AS changed
            WHERE assets <> 0
            GROUP BY kind;
    END CASE;
    RETURN NULL;
END $$;
CREATE TRIGGER rollup_insert AFTER INSERT ON twin.rollup REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION twin.note_totals();
CREATE TRIGGER rollup_update AFTER UPDATE ON twin.rollup REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION twin.note_totals();
CREATE TRIGGER rollup_delete AFTER DELETE ON twin.rollup REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION twin.note_totals();

-- When a transaction commits: all that it has noted, at once.
CREATE FUNCTION twin.add_totals() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    empty_kinds text[];
    empty_cells bigint[];
BEGIN
    WITH noted AS (
        DELETE FROM twin.rollup_pending RETURNING kind, cells, assets
    ), added AS (
        INSERT INTO twin.rollup_cell AS c (kind, cell, assets)
        SELECT coalesce(n.kind, ''), t.cell, sum(t.assets)
        FROM noted n, unnest(n.cells, n.assets) AS t (cell, assets)
        GROUP BY GROUPING SETS ((n.kind, t.cell), (t.cell))
        HAVING sum(t.assets) <> 0
        -- In the order of the key, so that of two who commit one waits for the other.
        ORDER BY 1, 2
        ON CONFLICT (kind, cell) DO UPDATE SET assets = c.assets + excluded.assets
        RETURNING kind, cell, assets
    )
    SELECT array_agg(kind), array_agg(cell) INTO empty_kinds, empty_cells FROM added WHERE assets = 0;
    DELETE FROM twin.rollup_cell c USING unnest(empty_kinds, empty_cells) AS e (kind, cell)
    WHERE c.kind = e.kind AND c.cell = e.cell;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER rollup_total AFTER INSERT ON twin.rollup_pending DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (new.first) EXECUTE FUNCTION twin.add_totals();
REVOKE ALL ON FUNCTION twin.note_totals, twin.add_totals FROM PUBLIC;

-- Totals hold every division's assets, so who may not see all divisions sees none. Such a session finds what it may see in
-- api.rollup_apart, which shows nothing to others: together the two say what api.rollup says. They are no single view,
-- because PostgreSQL looks for no joined row in the index of a UNION's table.
CREATE VIEW api.rollup_cell AS
    SELECT * FROM twin.rollup_cell
    WHERE ((SELECT api.scope_is_everything())
           OR ((SELECT api.scope_is_set()) AND (SELECT api.scope_of('divisions')) IS NULL))
      AND ((SELECT api.scope_is_everything())
           OR (SELECT api.scope_of('kinds')) IS NULL
           OR kind = ANY ((SELECT api.scope_of('kinds'))::text[]));
CREATE VIEW api.rollup_apart AS
    SELECT kind, cell, assets FROM api.rollup
    WHERE NOT (SELECT api.scope_is_everything()) AND (SELECT api.scope_of('divisions')) IS NOT NULL;

-- The kinds whose rows of these two are together every asset that may be seen.
CREATE VIEW api.rollup_every_kind AS
    SELECT '' AS kind
    WHERE (SELECT api.scope_is_everything())
       OR ((SELECT api.scope_is_set())
           AND (SELECT api.scope_of('kinds')) IS NULL AND (SELECT api.scope_of('divisions')) IS NULL)
    UNION ALL
    SELECT kind FROM api.rollup_kind
    WHERE NOT (SELECT api.scope_is_everything())
      AND ((SELECT api.scope_of('kinds')) IS NOT NULL OR (SELECT api.scope_of('divisions')) IS NOT NULL);
GRANT SELECT ON api.rollup_cell, api.rollup_apart, api.rollup_every_kind TO twin_api;

-- The triggers let nobody change roll-ups from here on until this is seen.
INSERT INTO twin.rollup_cell
SELECT coalesce(kind, ''), cell, sum(assets)
FROM twin.rollup
GROUP BY GROUPING SETS ((kind, cell), (cell))
ORDER BY 1, 2;
