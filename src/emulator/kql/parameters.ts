import { semanticError } from "../kusto-error.ts";
import type { QueryContext } from "./context.ts";
import { converted } from "./expressions/convert.ts";
import { valueSql, writtenLiteral } from "./expressions/literals.ts";
import { scalar } from "./expressions/scalar.ts";
import { notCarried } from "./language.ts";
import { noRow } from "./row.ts";
import { declaredKind, elementsIn, findPart, nameOf, needPart, part, positionText, type SyntaxNode } from "./tree.ts";

/** `declare query_parameters (a:long = 1);`: each takes its value from the request, or else its default. */
export function declareParameters(statement: SyntaxNode, context: QueryContext): void {
  for (const parameter of elementsIn(needPart(statement, "Parameters"))) {
    const declaration = needPart(parameter, "NameAndType");
    const name = nameOf(needPart(declaration, "Name"));
    const kind = declaredKind(needPart(declaration, "Type"));
    if (!kind) throw notCarried(`the parameter '${name}'`, parameter, context.text);
    const given = context.shared.parameters.get(name);
    const byDefault = part(parameter, "DefaultValue");
    const value = byDefault && findPart(byDefault, "Value");
    if (given !== undefined) {
      // Plain texts and numbers, as the SDKs send strings and longs, or literals, as the service asks of the other kinds.
      const literal = writtenLiteral(given, kind);
      context.lets.set(name, literal ?? { sql: converted(valueSql(given, "string"), kind), kind });
    } else if (value) {
      context.lets.set(name, { sql: converted(scalar(value, noRow(context)), kind), kind });
    } else {
      throw semanticError(
        `SEM0100: The query parameter '${name}' has no value ${positionText(context.text, parameter.TextStart)}`,
      );
    }
  }
}
