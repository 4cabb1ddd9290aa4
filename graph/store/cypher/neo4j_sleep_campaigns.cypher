MATCH (c:Campaign)
WHERE c._refresh <> $refresh AND c.state IN $living
SET c.state = $state
