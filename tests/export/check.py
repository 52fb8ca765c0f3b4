"""Evaluates exported equations with the tools they are for: check.py FORMAT,FORMAT... FOLDER...

A folder has one file for each format, and case.json with points and the right-hand sides that mechc computes there. What differs
by more than the tolerance ends the program with an assertion.
"""

import importlib.util
import json
import math
import os
import re
import sys

import numpy as np

# Other libraries round functions differently in the last bits, and other orders of addition cost a few more.
TOLERANCE = 1e-12


class Case:
    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "case.json"), encoding="utf-8") as file:
            self.__dict__.update(json.load(file))
        self.compared = 0

    def path(self, format):
        return os.path.join(self.folder, format)

    def text(self, format):
        with open(self.path(format), encoding="utf-8") as file:
            return file.read()

    def close(self, found, wanted, about, tolerance=TOLERANCE):
        found, wanted = float(found), float(wanted)
        assert abs(found - wanted) <= tolerance * (1 + abs(wanted)), f"{self.name}: {about}: {found!r} is not {wanted!r}"
        self.compared += 1

    def tops(self):
        """The positions of the highest derivatives among the components' derivatives."""
        return [sum(self.orders[: i + 1]) - 1 for i in range(len(self.orders))]


def sign(x):
    return float(np.sign(x))


FUNCTIONS = {
    "abs": abs, "sqrt": math.sqrt, "exp": math.exp, "ln": math.log, "log": math.log, "sin": math.sin, "cos": math.cos,
    "tan": math.tan, "asin": math.asin, "acos": math.acos, "atan": math.atan, "sinh": math.sinh, "cosh": math.cosh,
    "tanh": math.tanh, "sign": sign, "min": min, "max": max, "neg": lambda a: -a,
}


def check_json(case):
    document = json.loads(case.text("json"))

    def value(tree, scope):
        if isinstance(tree, (int, float)):
            return tree
        op = tree["op"]
        if op in ("state", "parameter", "input"):
            return scope[op, tree["name"], tree.get("derivative", 0)]
        if op == "time":
            return scope["time"]
        args = [value(arg, scope) for arg in tree["args"][:2]]
        if op == "if":
            a, b = args
            holds = {"<": a < b, "<=": a <= b, "==": a == b}[tree["compare"]]
            return value(tree["args"][2 if holds else 3], scope)
        args += [value(arg, scope) for arg in tree["args"][2:]]
        if op == "add":
            return sum(args)
        if op == "mul":
            return math.prod(args)
        if op == "powi":
            return args[0] ** tree["exponent"]
        infix = {"sub": lambda a, b: a - b, "div": lambda a, b: a / b, "pow": math.pow}
        return (infix.get(op) or FUNCTIONS[op])(*args)

    for point in case.points:
        components = [(s["name"], k) for s in document["states"] for k in range(s["order"])]
        scope = {("state", name, k): v for (name, k), v in zip(components, point["y"], strict=True)}
        scope |= {("parameter", p["name"], 0): v for p, v in zip(document["parameters"], point["p"], strict=True)}
        scope |= {("input", name, 0): v for name, v in zip(document["inputs"], point["u"], strict=True)}
        scope["time"] = point["t"]
        for equation, top in zip(document["equations"], case.tops(), strict=True):
            case.close(value(equation["right"], scope), point["f"][top], equation["text"])
    # Numbers survive the way through text.
    assert [p["value"] for p in document["parameters"]] == case.values


def check_sympy(case):
    import sympy as sp
    from importlib.machinery import SourceFileLoader

    loader = SourceFileLoader("exported_" + case.name, case.path("sympy"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    assert [float(v) for v in module.parameter_values] == case.values
    given = [(lambda t, v=v: v) for v in case.points[0]["u"]]
    # The right side for NumPy, point by point and for all points at once.
    for point in case.points:
        arguments = [point["t"], point["y"], point["p"]] + ([[(lambda t, v=v: v) for v in point["u"]]] if given else [])
        for found, wanted in zip(module.rhs(*arguments), point["f"], strict=True):
            case.close(found, wanted, "rhs")
    first = case.points[0]
    columns = np.stack([first["y"]] * 3, axis=1)
    found = module.rhs(first["t"], columns, first["p"], *([given] if given else []))
    assert found.shape == columns.shape
    for row, wanted in zip(found, first["f"]):
        for entry in row:
            case.close(entry, wanted, "columns")
    # The symbols.
    t = module.t
    leaves = [s.diff(t, k) if k else s for s, order in zip(module.states, case.orders) for k in range(order)]
    plain = sp.symbols(f"component0:{len(leaves)}", real=True)
    plain_inputs = sp.symbols(f"input0:{len(module.inputs)}", real=True)
    # Higher derivatives first, or a substitution of x would reach into the derivatives of x.
    order_of = lambda leaf: leaf.derivative_count if isinstance(leaf, sp.Derivative) else 0
    replace = sorted(zip(leaves, plain), key=lambda pair: -order_of(pair[0])) + list(zip(module.inputs, plain_inputs))
    for equation, state, order, top in zip(module.equations, module.states, case.orders, case.tops(), strict=True):
        assert equation.lhs == state.diff(t, order)
        right = equation.rhs.subs(replace) if isinstance(equation.rhs, sp.Basic) else sp.sympify(equation.rhs)
        function = sp.lambdify([t, *plain, *module.parameters, *plain_inputs], right, "numpy")
        for point in case.points:
            arguments = [point["t"], *point["y"], *point["p"], *point["u"]]
            with np.errstate(all="ignore"):
                case.close(function(*[np.float64(a) for a in arguments]), point["f"][top], f"equation of {state}")
    if case.trajectory:
        for row, start in zip(first_samples(case), starts(module.y0, case.orders)):
            case.close(start, row, "initial value", 0.0)


def first_samples(case):
    return [row[0] for row in case.trajectory["y"]]


def starts(y0, orders):
    """The initial values of the states themselves, without their derivatives."""
    return [y0[sum(orders[:i])] for i in range(len(orders))]


def check_latex(case):
    import sympy as sp
    from pylatexenc.latexwalker import LatexEnvironmentNode, LatexWalker
    from sympy.parsing.latex import parse_latex

    text = case.text("latex")
    nodes, _, _ = LatexWalker(text, tolerant_parsing=False).get_latex_nodes()
    environments = [n for n in nodes if isinstance(n, LatexEnvironmentNode)]
    assert [e.environmentname for e in environments] == ["align*"]
    body = text[text.index("\\begin{align*}") + len("\\begin{align*}") : text.rindex("\\end{align*}")]
    lines = []
    for line in body.strip().split("\n"):
        line = re.sub(r"\\\\(\[1ex\])?$", "", line.strip())
        left, right = line.split("&=", 1)
        lines.append((left.strip(), right.strip()))
    count = len(case.orders)
    equations, rest = lines[:count], lines[count:]
    begun = [line for line in rest if line[0].endswith("\\left(t_{0}\\right)")]
    parameters = [line for line in rest if line not in begun]
    assert len(parameters) == len(case.values)
    # States without initial values: their names are on the left, below a dot or with a power.
    if len(begun) == sum(case.orders):
        names = [left.removesuffix("\\left(t_{0}\\right)") for left, _ in begun]
    else:
        assert not begun
        names = ["x", "w", "\\dot{w}", "\\ddot{w}"]
    names += [left for left, _ in parameters]
    if case.name == "inputs":
        names += ["\\mathit{heat}", "t_{\\mathit{out}}"]
    for left, right in begun + parameters:
        number = sp.sympify(parse_latex(re.split(r" \\(in|pm) ", right)[0]))
        assert number.is_number, right
    for (_, right), wanted in zip(parameters, case.values):
        case.close(parse_latex(re.split(r" \\in ", right)[0]).evalf(20), wanted, right, 0.0)

    def plain(latex):
        """Names that the parser does not know as v_{n}; what it does not know of LaTeX as functions."""
        for n in sorted(range(len(names)), key=lambda n: -len(names[n])):
            name = names[n]
            edge = r"(?![A-Za-z_{'])" if name[-1].isalnum() else r"(?!_)"
            latex = re.sub(r"(?<![\\A-Za-z])" + re.escape(name) + edge, f"@{n}@", latex)
        latex = re.sub(r"@(\d+)@", r"v_{\1}", latex)
        latex = latex.replace("\\operatorname{sgn}", "G").replace("\\max", "H").replace("\\min", "K")
        latex = latex.replace("\\left|", "A\\left(").replace("\\right|", "\\right)")
        case_of = re.compile(
            r"(\\left\()?\\begin\{cases\} ((?:(?!\\begin).)*?) & \\text\{if \} ((?:(?!\\begin).)*?) (<|\\le|=) "
            r"((?:(?!\\begin).)*?) \\\\ ((?:(?!\\begin).)*?) & \\text\{otherwise\} \\end\{cases\}(?(1)\\right\))"
        )
        letters = {"<": "L", "\\le": "M", "=": "P"}
        while match := case_of.search(latex):
            _, x, a, relation, b, y = match.groups()
            call = f"{letters[relation]}\\left({a}, {b}, {x}, {y}\\right)"
            latex = latex[: match.start()] + call + latex[match.end() :]
        return latex

    def compare(holds):
        return lambda a, b, x, y: x if holds(a, b) else y

    functions = {
        "G": sign, "H": max, "K": min, "A": abs, "L": compare(lambda a, b: a < b), "M": compare(lambda a, b: a <= b),
        "P": compare(lambda a, b: a == b),
    }
    for (_, right), top in zip(equations, case.tops(), strict=True):
        tree = parse_latex(plain(right))
        symbols = sorted(tree.free_symbols, key=str)
        known = {f"v_{{{n}}}": n for n in range(len(names))}
        assert all(str(s) in known or str(s) == "t" for s in symbols), f"{right}\n{plain(right)}\n{symbols}"
        function = sp.lambdify(symbols, tree, [functions, "math"])
        for point in case.points:
            values = point["y"] + point["p"] + point["u"]
            arguments = [point["t"] if str(s) == "t" else values[known[str(s)]] for s in symbols]
            case.close(function(*arguments), point["f"][top], right)


def check_modelingtoolkit(case):
    import tree_sitter
    import tree_sitter_julia

    text = case.text("modelingtoolkit")
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_julia.language()))
    root = parser.parse(text.encode()).root_node
    assert not root.has_error, root
    # The parts of expressions that are written here mean the same in Python, but for the power.
    block = lambda start, end: text[text.index(start) + len(start) : text.index(end, text.index(start))].strip().split("\n")
    parameters = [line.strip() for line in block("pars = @parameters begin", "\nend")] if "pars = []" not in text else []
    variables = [line.strip() for line in block("vars = @variables begin", "\nend")]
    names = [line.split("(t)")[0] for line in variables if "input = true" not in line]
    inputs = [line.split("(t)")[0] for line in variables if "input = true" in line]
    parameter_names = [line.split(" = ")[0] for line in parameters]
    assert [float(line.split(" = ")[1].split(",")[0].split("#")[0]) for line in parameters] == case.values
    equations = [line.strip().split(" ~ ") for line in block("eqs = [", "\n]")]
    assert [left for left, _ in equations] == [f"D({name})" for name in names]
    scope = {"v_" + name: f for name, f in FUNCTIONS.items()} | {"v_ifelse": lambda condition, x, y: x if condition else y}
    python = lambda right: re.sub(r"(?<![\w.])(?=[^\W\d])", "v_", right).replace("^", "**")
    for point in case.points:
        here = dict(zip(names, point["y"], strict=True)) | dict(zip(parameter_names, point["p"], strict=True))
        here |= dict(zip(inputs, point["u"], strict=True)) | {"t": point["t"]}
        for (_, right), wanted in zip(equations, point["f"], strict=True):
            names_here = {"v_" + name: value for name, value in here.items()}
            case.close(eval(python(right), {"__builtins__": {}} | scope | names_here), wanted, right)


def check_diffsl(case):
    import pydiffsol

    code = case.text("diffsl")
    ode = pydiffsol.Ode(code)
    for point in case.points:
        found = ode.rhs(np.array(point["p"]), point["t"], np.array(point["y"]))
        for row, wanted in zip(found, point["f"], strict=True):
            case.close(row, wanted, "rhs")
    # The initial values, and the way from there.
    parameters = np.array(case.values, dtype=float)
    ode.rtol, ode.atol = 1e-9, 1e-9
    times = np.array(case.trajectory["t"])
    solution = ode.solve_dense(parameters, times)
    rows = np.asarray(solution.ys)
    for state, row in enumerate(case.trajectory["y"]):
        for found, wanted in zip(rows[sum(case.orders[:state])], row, strict=True):
            case.close(found, wanted, "trajectory", 1e-6)


def check_modelica(case):
    from pymoca import ast, parser

    tree = parser.parse(case.text("modelica"))
    assert tree is not None
    (model,) = tree.classes.values()
    symbols = list(model.symbols.values())
    parameters = [s.name for s in symbols if "parameter" in s.prefixes]
    inputs = [s.name for s in symbols if "input" in s.prefixes]
    names = [s.name for s in symbols if not s.prefixes]
    found = re.findall(r"^  parameter Real [^=(]*(?:\([^)]*\))? = ([^ ;]+)", case.text("modelica"), re.MULTILINE)
    found = [float(value) for value in found]
    assert found == case.values, (found, case.values)
    assert [str(e.left.operator) for e in model.equations] == ["der"] * len(names)
    assert [e.left.operands[0].name for e in model.equations] == names

    def value(e, scope):
        if isinstance(e, ast.Primary):
            return float(e.value) if not isinstance(e.value, bool) else e.value
        if isinstance(e, ast.ComponentRef):
            return scope[e.name]
        if isinstance(e, ast.IfExpression):
            for condition, branch in zip(e.conditions, e.expressions):
                if value(condition, scope):
                    return value(branch, scope)
            return value(e.expressions[-1], scope)
        assert isinstance(e, ast.Expression), e
        operator = e.operator.name if isinstance(e.operator, ast.ComponentRef) else e.operator
        args = [value(o, scope) for o in e.operands]
        if operator == "noEvent":
            return args[0]
        if operator in FUNCTIONS:
            return FUNCTIONS[operator](*args)
        if len(args) == 1:
            return {"-": lambda a: -a, "+": lambda a: a}[operator](*args)
        infix = {
            "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
            "^": math.pow, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b,
            "and": lambda a, b: a and b,
        }
        return infix[operator](*args)

    for point in case.points:
        scope = dict(zip(names, point["y"], strict=True)) | dict(zip(parameters, point["p"], strict=True))
        scope |= dict(zip(inputs, point["u"], strict=True)) | {"time": point["t"]}
        for equation, wanted in zip(model.equations, point["f"], strict=True):
            case.close(value(equation.right, scope), wanted, str(equation.left.operands[0].name))


def main():
    formats, folders = sys.argv[1].split(","), sys.argv[2:]
    for folder in folders:
        for format in formats:
            case = Case(folder)
            if format == "diffsl" and not os.path.exists(case.path(format)):
                continue
            globals()["check_" + format](case)
            assert case.compared > 0
            print(f"{case.name}, {format}: {case.compared} numbers compared")


main()
