-- Leave out the identifiers that were noted as another asset's too.
DELETE FROM {identifiers} n
USING {findings} f
WHERE f.reason = 'identifier.shared' AND n.issuer <> ''
  AND (n.row_number, n.scheme, n.value) = (f.row_number, f.field, f.value)
