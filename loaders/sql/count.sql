-- What is left to be written: new rows and changed ones.
SELECT count(*) FILTER (WHERE NOT existing), count(*) FILTER (WHERE existing) FROM {stage}
