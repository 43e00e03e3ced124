-- The new slice of each asset that comes back: all that it is now is what its row says, as of a new asset.
UPDATE twin.asset a
SET load_id = %(load_id)s,
    row_number = s.row_number,
    source_hash = {hash},
    valid_from = now(),
    recorded_from = now(),
    name = s.name,
    address = s.address,
    status = coalesce(s.status, 'in_service'),
    division = s.division,
    parent = s.parent_code,
    relation = CASE WHEN s.parent_code IS NOT NULL THEN %(relation)s END,
    authority = s.authority,
    owner = s.owner,
    maintainer = s.maintainer,
    installed = s.installed,
    survey_method = s.survey_method,
    accuracy = s.accuracy,
    attributes = s.attributes,
    geom = s.geom,
    cell = s.cell
FROM {stage} s
WHERE s.comes_back AND a.kind = %(kind)s AND a.code = s.code
