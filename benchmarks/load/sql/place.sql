-- Of each row its cell, its division (by the cover where that suffices, else by the boundary) and its code.
CREATE FUNCTION pg_temp.step(state integer, digit integer) RETURNS integer LANGUAGE sql IMMUTABLE
    RETURN ((state + digit + 9) % 10 + 1) * 2 % 11;

CREATE TEMPORARY TABLE interior AS
SELECT c.lower, c.upper, c.division
FROM twin.division_cover c
JOIN twin.division d ON d.code = c.division
WHERE c.interior AND d.level = (SELECT max(level) FROM twin.division WHERE boundary IS NOT NULL);
CREATE INDEX ON interior (lower);
ANALYZE interior;

CREATE TEMPORARY TABLE placed AS
SELECT
    c.fid, c.cell,
    coalesce(
        CASE WHEN c.cell <= i.upper THEN i.division END,
        (
            SELECT d.code
            FROM twin.division d
            WHERE st_covers(d.boundary, st_setsrid(st_makepoint(c.lon, c.lat), 4326))
            ORDER BY d.level DESC, d.code
            LIMIT 1
        ),
        (SELECT value FROM twin.setting WHERE name = 'home')
    ) AS division
FROM cell c
LEFT JOIN LATERAL (SELECT upper, division FROM interior WHERE lower <= c.cell ORDER BY lower DESC LIMIT 1) AS i ON true;

-- The check digit is ISO 7064's MOD 11,10; the first ten digits of a code are the same in all of a division.
CREATE UNLOGGED TABLE place AS
WITH RECURSIVE issuer AS (
    SELECT DISTINCT left(division, 6) AS issued_in FROM placed
), walk AS (
    SELECT issued_in, issued_in || '{class}' AS digits, 0 AS done, 10 AS state FROM issuer
    UNION ALL
    SELECT issued_in, digits, done + 1, pg_temp.step(state, substr(digits, done + 1, 1)::integer)
    FROM walk WHERE done < 10
), numbered AS (
    SELECT fid, cell, division, left(division, 6) AS issued_in,
        row_number() OVER (PARTITION BY left(division, 6))::integer AS n
    FROM placed
)
SELECT fid, cell, division, issued_in,
    issued_in || '-{class}-' || lpad(n::text, 6, '0') || '-' || (11 - pg_temp.step(pg_temp.step(pg_temp.step(
        pg_temp.step(pg_temp.step(pg_temp.step(state, n / 100000), n / 10000 % 10), n / 1000 % 10),
        n / 100 % 10), n / 10 % 10), n % 10)) % 10 AS code
FROM numbered
JOIN walk USING (issued_in)
WHERE walk.done = 10;
ANALYZE place;

INSERT INTO twin.code_sequence (scheme, division, class, next)
SELECT 'gbt30428', issued_in, '{class}', count(*) + 1 FROM place GROUP BY issued_in;
INSERT INTO twin.issuing (division, scheme) SELECT DISTINCT issued_in, 'gbt30428' FROM place;
INSERT INTO twin.dataset (name) VALUES ('{dataset}');

CREATE TABLE twin.asset_{kind}_1 (
    LIKE twin.asset INCLUDING DEFAULTS INCLUDING CONSTRAINTS, CONSTRAINT part CHECK (kind = '{kind}' AND part = 1)
)
