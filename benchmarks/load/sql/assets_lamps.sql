-- The assets and their pole numbers.
INSERT INTO twin.asset_streetlight (
    kind, issued_in, code, scheme, dataset_id, source_key, status, division, installed, attributes, words, geom,
    cell, load_id, row_number, source_hash, valid_from
)
SELECT
    'streetlight', p.issued_in, p.code, 'gbt30428', d.id, s.id, s.status, p.division, s.installed::date,
    jsonb_build_object('lamp', lower(s.lamp_technology), 'power', s.power, 'road', s.road), lower(s.pole_number),
    s.wkb_geometry, p.cell, 1, s.ogc_fid, hashtextextended(s::text, 0), least(s.installed, now())
FROM source s
JOIN place p ON p.fid = s.ogc_fid
JOIN twin.dataset d ON d.name = 'lamps';

CREATE TABLE twin.identifier_streetlight (
    LIKE twin.identifier INCLUDING DEFAULTS, CONSTRAINT kind CHECK (kind = 'streetlight')
);
INSERT INTO twin.identifier_streetlight (scheme, issuer, value, kind, issued_in, code, load_id, valid_from)
SELECT 'pole_number', 'lamps', s.pole_number, 'streetlight', p.issued_in, p.code, 1, least(s.installed, now())
FROM source s
JOIN place p ON p.fid = s.ogc_fid;
CREATE UNIQUE INDEX ON twin.identifier_streetlight (scheme, value, issuer, kind) WHERE valid_to IS NULL;
ALTER TABLE twin.identifier ATTACH PARTITION twin.identifier_streetlight FOR VALUES IN ('streetlight');
ALTER TABLE twin.identifier_streetlight DROP CONSTRAINT kind;
ANALYZE twin.identifier_streetlight
