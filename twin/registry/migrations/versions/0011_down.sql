DROP TRIGGER rollup_insert ON twin.rollup;
DROP TRIGGER rollup_update ON twin.rollup;
DROP TRIGGER rollup_delete ON twin.rollup;
DROP VIEW api.rollup_cell, api.rollup_apart, api.rollup_every_kind;
DROP TABLE twin.rollup_cell, twin.rollup_pending;
DROP FUNCTION twin.note_totals, twin.add_totals;
