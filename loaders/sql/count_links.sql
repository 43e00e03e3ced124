-- How many rows were linked to assets.
SELECT count(*) FROM {links} WHERE linked_by = 'suspicion'
