"""Reads documents and variables, and says what is wrong with them in Shopify's shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldsOnCorrectTypeRule,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLSyntaxError,
    KnownArgumentNamesRule,
    KnownDirectivesRule,
    KnownTypeNamesRule,
    NoUndefinedVariablesRule,
    NoUnusedVariablesRule,
    OperationDefinitionNode,
    ProvidedRequiredArgumentsRule,
    ScalarLeafsRule,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    VariablesInAllowedPositionRule,
    is_input_type,
    parse,
    specified_rules,
    type_from_ast,
    validate,
)
from graphql.execution.values import VariableValues, get_variable_values
from graphql.utilities import validate_input_value

from sandbox.shopify.schema import schema_of

Error = dict[str, Any]

_UNKNOWN_FIELD = re.compile(r"Expected value of type '(\w+)' not to include unknown field '(\w+)'")

CODES = {
    FieldsOnCorrectTypeRule: "undefinedField",
    KnownArgumentNamesRule: "argumentNotAccepted",
    KnownDirectivesRule: "undefinedDirective",
    KnownTypeNamesRule: "undefinedType",
    NoUndefinedVariablesRule: "variableNotDefined",
    NoUnusedVariablesRule: "variableNotUsed",
    ProvidedRequiredArgumentsRule: "missingRequiredArguments",
    ScalarLeafsRule: "selectionMismatch",
    ValuesOfCorrectTypeRule: "argumentLiteralsIncompatible",
    VariablesInAllowedPositionRule: "variableMismatch",
}
"""The code of a document's mistake by the rule that finds it; other mistakes have none."""


class Document(NamedTuple):
    """A document that is right."""

    node: DocumentNode
    operations: Mapping[str, OperationDefinitionNode]
    fragments: Mapping[str, FragmentDefinitionNode]


@lru_cache(maxsize=256)
def read_document(version: str, text: str) -> Document | tuple[Error, ...]:
    """Return the document of a request in one version, or its mistakes, each with a code where Shopify has one."""
    schema = schema_of(version)
    try:
        node = parse(text)
    except GraphQLSyntaxError as wrong:
        return ({"message": f"syntax error: {wrong.message}", "locations": _places(wrong)},)
    if validate(schema, node):
        return tuple(_mistakes(schema, node))
    operations = [found for found in node.definitions if isinstance(found, OperationDefinitionNode)]
    fragments = {found.name.value: found for found in node.definitions if isinstance(found, FragmentDefinitionNode)}
    return Document(node, {found.name.value if found.name else "": found for found in operations}, fragments)


def _mistakes(schema: GraphQLSchema, node: DocumentNode) -> list[Error]:
    found: list[Error] = []
    for rule in specified_rules:
        for wrong in validate(schema, node, [rule]):
            told: Error = {"message": wrong.message, "locations": _places(wrong)}
            if rule in CODES:
                told["extensions"] = {"code": CODES[rule]}
            found.append(told)
    return found


def _places(wrong: GraphQLError) -> list[dict[str, int]]:
    return [{"line": place.line, "column": place.column} for place in wrong.locations or ()]


def coerce_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: dict[str, Any]
) -> VariableValues | list[Error]:
    """Return the variables ready for use, or INVALID_VARIABLE errors. What is not declared is ignored."""
    definitions = operation.variable_definitions or ()
    errors = [error for definition in definitions if (error := _variable_error(schema, definition, given)) is not None]
    if errors:
        return errors
    values = get_variable_values(schema, definitions, given)
    if isinstance(values, list):
        return [{"message": wrong.message, "extensions": {"code": "INVALID_VARIABLE"}} for wrong in values]
    return values


def _variable_error(schema: GraphQLSchema, definition: VariableDefinitionNode, given: dict[str, Any]) -> Error | None:
    kind = type_from_ast(schema, definition.type)
    assert is_input_type(kind)  # noqa: S101 - the document has been validated
    name = definition.variable.name.value
    if name not in given and (definition.default_value is not None or not isinstance(kind, GraphQLNonNull)):
        return None
    problems: list[Error] = []

    def note(error: GraphQLError, path: list[str | int]) -> None:
        unknown = _UNKNOWN_FIELD.match(error.message)
        if unknown is not None:
            problems.append({"path": [*path, unknown[2]], "explanation": f"Field is not defined on {unknown[1]}"})
        else:
            problems.append({"path": path, "explanation": error.message})

    validate_input_value(given.get(name), kind, note, hide_suggestions=True)
    return _invalid(definition, str(kind), given.get(name), problems) if problems else None


def _invalid(definition: VariableDefinitionNode, kind: str, value: Any, problems: list[Error]) -> Error:
    first = problems[0]
    where = ".".join(map(str, first["path"]))
    told = f"for {where} ({first['explanation']})" if where else f"({first['explanation']})"
    name = definition.variable.name.value
    return {
        "message": f"Variable ${name} of type {kind} was provided invalid value {told}",
        "extensions": {"code": "INVALID_VARIABLE", "value": value, "problems": problems},
    }
