"""Reads what a GraphQL document asks of a type: fragments resolved, @skip and @include obeyed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    GraphQLUnionType,
    InlineFragmentNode,
    SelectionSetNode,
)
from graphql.execution.values import VariableValues, get_directive_values


class Scope(NamedTuple):
    """What is needed to read a document's selections."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues | None


def collect(
    scope: Scope, parent: GraphQLObjectType, selections: SelectionSetNode, into: dict[str, list[FieldNode]]
) -> None:
    """Group the fields that one concrete type is asked for by the name they are answered under."""
    for node in selections.selections:
        if not _included(scope, node):
            continue
        if isinstance(node, FieldNode):
            into.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        elif isinstance(node, InlineFragmentNode):
            if node.type_condition is None or _fits(scope, parent, node.type_condition.name.value):
                collect(scope, parent, node.selection_set, into)
        elif isinstance(node, FragmentSpreadNode):
            fragment = scope.fragments[node.name.value]
            if _fits(scope, parent, fragment.type_condition.name.value):
                collect(scope, parent, fragment.selection_set, into)


def _included(scope: Scope, node: Any) -> bool:
    if not node.directives:
        return True
    skip = get_directive_values(GraphQLSkipDirective, node, scope.variables)
    include = get_directive_values(GraphQLIncludeDirective, node, scope.variables)
    return not (skip and skip["if"]) and not (include and not include["if"])


def _fits(scope: Scope, parent: GraphQLObjectType, condition: str) -> bool:
    wanted = scope.schema.type_map[condition]
    if isinstance(wanted, GraphQLInterfaceType | GraphQLUnionType):
        return scope.schema.is_sub_type(wanted, parent)
    return wanted is parent
