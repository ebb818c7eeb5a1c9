/** Small expressions over attributes: filters in the manner of CQL2 text, and figures. Nothing is evaluated as code. */

export type Value = number | string | boolean | null;
export type Getter = (handle: number) => number | string | null;
type Evaluate = (handle: number) => Value;
type Bind = (columns: ReadonlyMap<string, Getter>) => Evaluate;

/** Says where a text cannot be read. */
export class ExpressionError extends Error {
  constructor(
    readonly token: string,
    readonly at: number,
  ) {
    super(`the expression cannot be read at “${token}” (character ${at + 1})`);
  }
}

interface Token {
  type: "number" | "text" | "name" | "sign" | "end";
  text: string;
  at: number;
}

const TOKEN = /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|'((?:[^']|'')*)'|"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}_.]*)|(<=|>=|<>|!=|[-+*/%(),<>=]))/uy;
const WORDS = new Set(["and", "or", "not", "like", "in", "between", "is", "null", "true", "false"]);
const FUNCTIONS: Record<string, (...values: number[]) => number> = {
  abs: Math.abs,
  sqrt: Math.sqrt,
  round: Math.round,
  floor: Math.floor,
  ceil: Math.ceil,
  log: Math.log,
  exp: Math.exp,
  min: Math.min,
  max: Math.max,
  pow: Math.pow,
};

function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  while (text.slice(at).trim() !== "") {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) throw new ExpressionError(text.slice(at).trim().slice(0, 12), at);
    const [all, number, quoted, column, name, sign] = match;
    at += all.length - all.trimStart().length;
    if (number !== undefined) found.push({ type: "number", text: number, at });
    else if (quoted !== undefined) found.push({ type: "text", text: quoted.replaceAll("''", "'"), at });
    else if (column !== undefined) found.push({ type: "name", text: column.replaceAll('""', '"'), at });
    else if (name !== undefined) found.push({ type: WORDS.has(name.toLowerCase()) ? "sign" : "name", text: name, at });
    else found.push({ type: "sign", text: sign as string, at });
    at = TOKEN.lastIndex;
  }
  found.push({ type: "end", text: "", at });
  return found;
}

export class Expression {
  /** Names of the attributes that it needs. */
  readonly names: string[] = [];
  private readonly parts: Token[];
  private place = 0;
  private readonly bind: Bind;

  constructor(text: string) {
    this.parts = tokens(text);
    this.bind = this.or();
    if (this.next.type !== "end") this.fail();
  }

  /** What gives the value of each object, from what gives its attributes. */
  over(columns: ReadonlyMap<string, Getter>): Evaluate {
    return this.bind(columns);
  }

  private get next(): Token {
    return this.parts[this.place] as Token;
  }

  private fail(): never {
    throw new ExpressionError(this.next.text || "…", this.next.at);
  }

  /** Goes past a sign or word when it comes next. */
  private take(...signs: string[]): string | null {
    const { type, text } = this.next;
    if (type !== "sign" || !signs.includes(text.toLowerCase())) return null;
    this.place += 1;
    return text.toLowerCase();
  }

  private need(sign: string): void {
    if (!this.take(sign)) this.fail();
  }

  private or(): Bind {
    let left = this.and();
    while (this.take("or")) left = both(left, this.and(), (a, b) => (a === true || b === true ? true : a === null || b === null ? null : false));
    return left;
  }

  private and(): Bind {
    let left = this.not();
    while (this.take("and")) left = both(left, this.not(), (a, b) => (a === false || b === false ? false : a === null || b === null ? null : true));
    return left;
  }

  private not(): Bind {
    return this.take("not") ? one(this.not(), (value) => (value === null ? null : value !== true)) : this.comparison();
  }

  private comparison(): Bind {
    const left = this.sum();
    const sign = this.take("=", "<>", "!=", "<", "<=", ">", ">=");
    if (sign) return both(left, this.sum(), (a, b) => compare(sign, a, b));
    if (this.take("is")) {
      const not = this.take("not") !== null;
      this.need("null");
      return one(left, (value) => (value === null) !== not);
    }
    const not = this.take("not") !== null;
    const found = this.listed(left);
    if (!found) return not ? this.fail() : left;
    return not ? one(found, (value) => (value === null ? null : value !== true)) : found;
  }

  private listed(left: Bind): Bind | null {
    if (this.take("like")) return both(left, this.sum(), like);
    if (this.take("between")) {
      const low = this.sum();
      this.need("and");
      const high = this.sum();
      const above = both(left, low, (a, b) => compare(">=", a, b));
      return both(above, both(left, high, (a, b) => compare("<=", a, b)), (a, b) => (a === null || b === null ? null : a === true && b === true));
    }
    if (!this.take("in")) return null;
    this.need("(");
    const options = [this.sum()];
    while (this.take(",")) options.push(this.sum());
    this.need(")");
    return options.map((option) => both(left, option, (a, b) => compare("=", a, b))).reduce((a, b) => both(a, b, (p, q) => (p === true || q === true ? true : p === null || q === null ? null : false)));
  }

  private sum(): Bind {
    let left = this.product();
    for (let sign = this.take("+", "-"); sign; sign = this.take("+", "-")) left = figure(left, this.product(), sign === "+" ? (a, b) => a + b : (a, b) => a - b);
    return left;
  }

  private product(): Bind {
    let left = this.unary();
    for (let sign = this.take("*", "/", "%"); sign; sign = this.take("*", "/", "%")) {
      left = figure(left, this.unary(), sign === "*" ? (a, b) => a * b : sign === "/" ? (a, b) => a / b : (a, b) => a % b);
    }
    return left;
  }

  private unary(): Bind {
    return this.take("-") ? one(this.unary(), (value) => (typeof value === "number" ? -value : null)) : this.primary();
  }

  private primary(): Bind {
    const { type, text } = this.next;
    if (this.take("(")) {
      const inner = this.or();
      this.need(")");
      return inner;
    }
    const word = this.take("true", "false", "null");
    if (word) return () => () => (word === "null" ? null : word === "true");
    if (type === "sign" || type === "end") this.fail();
    this.place += 1;
    if (type === "number") return () => () => Number(text);
    if (type === "text") return () => () => text;
    const call = FUNCTIONS[text.toLowerCase()];
    if (call && this.take("(")) return this.call(call);
    if (!this.names.includes(text)) this.names.push(text);
    return (columns) => columns.get(text) ?? (() => null);
  }

  private call(of: (...values: number[]) => number): Bind {
    const inputs = [this.sum()];
    while (this.take(",")) inputs.push(this.sum());
    this.need(")");
    return (columns) => {
      const made = inputs.map((input) => input(columns));
      return (handle) => {
        const values = made.map((input) => input(handle));
        return values.every((value) => typeof value === "number") ? of(...(values as number[])) : null;
      };
    };
  }
}

function one(of: Bind, act: (value: Value) => Value): Bind {
  return (columns) => {
    const inner = of(columns);
    return (handle) => act(inner(handle));
  };
}

function both(left: Bind, right: Bind, act: (a: Value, b: Value) => Value): Bind {
  return (columns) => {
    const [a, b] = [left(columns), right(columns)];
    return (handle) => act(a(handle), b(handle));
  };
}

function figure(left: Bind, right: Bind, act: (a: number, b: number) => number): Bind {
  return both(left, right, (a, b) => (typeof a === "number" && typeof b === "number" ? act(a, b) : null));
}

function compare(sign: string, a: Value, b: Value): boolean | null {
  if (a === null || b === null || typeof a !== typeof b) return null;
  if (sign === "=") return a === b;
  if (sign === "<>" || sign === "!=") return a !== b;
  return sign === "<" ? a < b : sign === "<=" ? a <= b : sign === ">" ? a > b : a >= b;
}

/** % stands for any text, _ for one letter. */
function like(value: Value, pattern: Value): boolean | null {
  if (typeof value !== "string" || typeof pattern !== "string") return null;
  const escaped = pattern.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("%", ".*").replaceAll("_", ".");
  return new RegExp(`^${escaped}$`, "su").test(value);
}
