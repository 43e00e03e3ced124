-- Changes when any division changes: an asset's division has to be asked again then.
SELECT md5(coalesce(string_agg(code || md5(coalesce(st_asbinary(boundary), ''::bytea)), ',' ORDER BY code), ''))
FROM twin.division
