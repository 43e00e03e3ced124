-- Which scheme the divisions of new codes issue by.
INSERT INTO twin.issuing (division, scheme)
SELECT DISTINCT issued_in, scheme FROM {stage} WHERE NOT existing
ON CONFLICT (division) DO NOTHING
