MATCH (n:<label>)
WHERE n._refresh <> $refresh <and_not_kept>
RETURN elementId(n) AS id
