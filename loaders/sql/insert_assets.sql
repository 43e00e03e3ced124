-- The new assets.
INSERT INTO {partition} (
    kind, issued_in, code, scheme, dataset_id, source_key, name, address, status, division, parent, relation,
    authority, owner, maintainer, installed, survey_method, accuracy, attributes, words, geom, cell,
    load_id, row_number, source_hash, valid_from
)
SELECT
    %(kind)s, issued_in, code, scheme, %(dataset_id)s, source_key, name, address, coalesce(status, 'in_service'),
    division, parent_code, CASE WHEN parent_code IS NOT NULL THEN %(relation)s END,
    authority, owner, maintainer, installed, survey_method, accuracy, attributes, words, geom, cell,
    %(load_id)s, row_number, {hash}, {valid_from}
FROM {stage} s
WHERE NOT existing
