-- What an undo finds: the assets that the load made or changed, which load has changed them since, the state that
-- each of the others had before, and the identifiers that it bore.
CREATE TEMPORARY TABLE touched (
    code text NOT NULL,
    row_number bigint,
    moment timestamptz NOT NULL,
    made boolean NOT NULL,
    stands boolean NOT NULL,
    later bigint
) ON COMMIT DROP;
CREATE TEMPORARY TABLE former ON COMMIT DROP AS
SELECT {state}, true AS existing, false AS made FROM twin.asset_version WITH NO DATA;
CREATE TEMPORARY TABLE former_identifier (
    code text NOT NULL,
    issued_in text NOT NULL,
    scheme text NOT NULL,
    issuer text NOT NULL,
    value text NOT NULL
) ON COMMIT DROP
