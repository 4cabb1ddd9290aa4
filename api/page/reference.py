"""An OpenAPI document as plain rows for the documentation page. Knows no route and no HTML."""

from typing import Any


def operations(document: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """(tag, operations) in the document's order; each has method, path, description, parameters, body and answers."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            tag = (told.get("tags") or ["other"])[0]
            groups.setdefault(tag, []).append(_operation(document, path, method, told))
    return list(groups.items())


def _operation(document: dict[str, Any], path: str, method: str, told: dict[str, Any]) -> dict[str, Any]:
    return {
        "method": method.upper(),
        "path": path,
        "description": told.get("description", told.get("summary", "")),
        "parameters": [_parameter(document, parameter) for parameter in told.get("parameters", [])],
        "body": _body(document, told.get("requestBody")),
        "answers": [{"status": status, "words": facts["description"]} for status, facts in told["responses"].items()],
    }


def _parameter(document: dict[str, Any], parameter: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": parameter["name"],
        "where": parameter["in"],
        "type": _type(document, parameter["schema"]),
        "description": parameter.get("description", ""),
        "required": parameter.get("required", False),
    }


def _body(document: dict[str, Any], body: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The body's fields, those of the rows of its one list included."""
    if body is None:
        return []
    return _fields(document, body["content"]["application/json"]["schema"], "")


def _fields(document: dict[str, Any], schema: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    resolved = _resolve(document, schema)
    rows = []
    for name, field in resolved.get("properties", {}).items():
        row = {"name": prefix + name, "where": "body", "type": _type(document, field)}
        row |= {"description": field.get("description", ""), "required": name in resolved.get("required", ())}
        rows.append(row)
        if "items" in field:
            rows += _fields(document, field["items"], f"{prefix}{name}[].")
    return rows


def _type(document: dict[str, Any], schema: dict[str, Any]) -> str:
    resolved = _resolve(document, schema)
    if "enum" in resolved:
        return " | ".join(map(str, resolved["enum"]))
    if "anyOf" in resolved:
        return " or ".join(_type(document, choice) for choice in resolved["anyOf"] if choice.get("type") != "null")
    if resolved.get("type") == "array":
        return f"list of {_type(document, resolved['items'])}"
    kind = str(resolved.get("format") or resolved.get("title", "object"))
    return kind if resolved.get("type") in (None, "object") or "format" in resolved else str(resolved["type"])


def _resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found
