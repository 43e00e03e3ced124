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
CREATE INDEX ON twin.identifier_streetlight (value);
CREATE INDEX ON twin.identifier_streetlight (code);
ALTER TABLE twin.identifier ATTACH PARTITION twin.identifier_streetlight FOR VALUES IN ('streetlight');
ALTER TABLE twin.identifier_streetlight DROP CONSTRAINT kind;
ANALYZE twin.identifier_streetlight;

CREATE INDEX ON twin.asset_streetlight ((attributes ->> 'lamp')) WHERE (attributes ->> 'lamp') IS NOT NULL;
CREATE INDEX ON twin.asset_streetlight (((attributes -> 'power')::double precision)) WHERE ((attributes -> 'power')::double precision) IS NOT NULL;
CREATE INDEX ON twin.asset_streetlight (((attributes -> 'pole_height')::double precision)) WHERE ((attributes -> 'pole_height')::double precision) IS NOT NULL;
CREATE INDEX ON twin.asset_streetlight ((attributes ->> 'condition')) WHERE (attributes ->> 'condition') IS NOT NULL;
CREATE INDEX ON twin.asset_streetlight ((attributes ->> 'circuit')) WHERE (attributes ->> 'circuit') IS NOT NULL;
CREATE INDEX ON twin.asset_streetlight ((attributes ->> 'cabinet')) WHERE (attributes ->> 'cabinet') IS NOT NULL
