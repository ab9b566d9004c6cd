"""What an expression of PromQL asks for, by a parser of it."""

from collections.abc import Iterator
from typing import Any

import promql_parser as promql

from tests import litellm_metrics
from tests.exporters import OF_TARGETS, SERIES


def selectors(expr: Any) -> Iterator[Any]:
    """Every series that an expression reads."""
    match expr:
        case promql.VectorSelector():
            yield expr
        case promql.MatrixSelector():
            yield expr.vector_selector
        case promql.AggregateExpr() | promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            yield from selectors(expr.expr)
        case promql.BinaryExpr():
            yield from selectors(expr.lhs)
            yield from selectors(expr.rhs)
        case promql.Call():
            for argument in expr.args:
                yield from selectors(argument)
        case promql.NumberLiteral() | promql.StringLiteral():
            return
        case _:
            raise AssertionError(f"an expression of a kind that this module does not know: {type(expr)}")


def grouped(expr: Any) -> Iterator[tuple[Any, frozenset[str]]]:
    """Every aggregation by labels, with these."""
    match expr:
        case promql.AggregateExpr():
            if expr.modifier is not None:
                yield expr.expr, frozenset(expr.modifier.labels)
            yield from grouped(expr.expr)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            yield from grouped(expr.expr)
        case promql.BinaryExpr():
            yield from grouped(expr.lhs)
            yield from grouped(expr.rhs)
        case promql.Call():
            for argument in expr.args:
                yield from grouped(argument)
        case _:
            return


def problems(text: str) -> list[str]:
    """Metrics and labels of an expression that nobody exports; syntax errors are raised."""
    parsed = promql.parse(text)
    known = litellm_metrics.known() | SERIES
    found: list[str] = []
    for each in selectors(parsed):
        if each.name not in known:
            found.append(f"nobody exports {each.name}")
            continue
        labels = {matcher.name for matcher in each.matchers.matchers} - {"__name__"}
        found += [f"{each.name} has no label {label}" for label in labels - known[each.name] - OF_TARGETS]
    for inner, labels in grouped(parsed):
        for each in selectors(inner):
            has = known.get(each.name, frozenset()) | OF_TARGETS
            found += [f"{each.name} has no label {label}" for label in labels - has]
    return found
