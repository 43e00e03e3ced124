-- The assets and their pole numbers.
INSERT INTO twin.asset_streetlight_1 (
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

CREATE TABLE twin.identifier_streetlight_1 (
    LIKE twin.identifier INCLUDING DEFAULTS, CONSTRAINT part CHECK (kind = 'streetlight' AND part = 1)
);
INSERT INTO twin.identifier_streetlight_1 (scheme, issuer, value, kind, issued_in, code, load_id, valid_from)
SELECT 'pole_number', 'lamps', s.pole_number, 'streetlight', p.issued_in, p.code, 1, least(s.installed, now())
FROM source s
JOIN place p ON p.fid = s.ogc_fid;
CREATE UNIQUE INDEX ON twin.identifier_streetlight_1 (value, scheme, issuer) WHERE valid_to IS NULL;
CREATE TABLE twin.identifier_streetlight (LIKE twin.identifier INCLUDING DEFAULTS) PARTITION BY LIST (part);
ALTER TABLE twin.identifier ATTACH PARTITION twin.identifier_streetlight FOR VALUES IN ('streetlight');
ALTER TABLE twin.identifier_streetlight ATTACH PARTITION twin.identifier_streetlight_1 FOR VALUES IN (1);
ALTER TABLE twin.identifier_streetlight_1 DROP CONSTRAINT part;
ANALYZE twin.identifier_streetlight_1
