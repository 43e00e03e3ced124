-- How many assets the load made or changed, how many of them are undone, and how many of these become retired.
SELECT count(*), count(*) FILTER (WHERE stands), count(*) FILTER (WHERE stands AND made) FROM touched
