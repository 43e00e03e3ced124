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

DROP INDEX twin.identifier_current, twin.identifier_value, twin.identifier_code;
INSERT INTO twin.identifier (scheme, issuer, value, kind, issued_in, code, load_id, valid_from)
SELECT 'pole_number', 'lamps', s.pole_number, 'streetlight', p.issued_in, p.code, 1, least(s.installed, now())
FROM source s
JOIN place p ON p.fid = s.ogc_fid;
CREATE UNIQUE INDEX identifier_current ON twin.identifier (scheme, value, issuer) WHERE valid_to IS NULL;
CREATE INDEX identifier_value ON twin.identifier (value);
CREATE INDEX identifier_code ON twin.identifier (code);

CREATE INDEX ON twin.asset_streetlight ((attributes ->> 'lamp'));
CREATE INDEX ON twin.asset_streetlight (((attributes -> 'power')::double precision));
CREATE INDEX ON twin.asset_streetlight (((attributes -> 'pole_height')::double precision));
CREATE INDEX ON twin.asset_streetlight ((attributes ->> 'condition'));
CREATE INDEX ON twin.asset_streetlight ((attributes ->> 'circuit'));
CREATE INDEX ON twin.asset_streetlight ((attributes ->> 'cabinet'))
