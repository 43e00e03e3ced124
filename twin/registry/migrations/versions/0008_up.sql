-- Indexes that only make reading faster become each partition's own: a first load is seen before they are built.
DROP INDEX twin.asset_division, twin.asset_status, twin.asset_parent, twin.identifier_value, twin.identifier_code;
