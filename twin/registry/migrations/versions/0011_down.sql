DROP TRIGGER rollup_insert ON twin.rollup;
DROP TRIGGER rollup_update ON twin.rollup;
DROP TRIGGER rollup_delete ON twin.rollup;
DROP VIEW api.rollup_cell, api.rollup_apart;
DROP TABLE twin.rollup_cell;
DROP FUNCTION twin.add_totals;
