-- New rows without a code, by what their codes are counted within.
SELECT scheme, issued_in, class, array_agg(row_number ORDER BY row_number)
FROM {stage}
WHERE NOT existing AND code IS NULL
GROUP BY scheme, issued_in, class
