-- Which scheme the divisions of new codes issue by.
INSERT INTO twin.issuing (division, scheme)
SELECT * FROM unnest(%(divisions)s::text[], %(schemes)s::text[])
ON CONFLICT (division) DO NOTHING
