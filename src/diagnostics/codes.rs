//! The table of every stable code: one line each, so that adding a code is one line.

/// A stable code with what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The code, such as `E0101`.
    pub code: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What causes it and what to do.
    pub explanation: &'static str,
}

/// The entry of `code`, in any letter case.
pub fn lookup(code: &str) -> Option<&'static Code> {
    ALL.iter().find(|c| c.code.eq_ignore_ascii_case(code))
}

/// `NAME "title" "explanation";` makes a constant `NAME` holding its own name and an entry of [`ALL`].
macro_rules! codes {
    ($($name:ident $title:literal $explanation:literal;)*) => {
        $(#[doc = $title] pub const $name: &str = stringify!($name);)*

        /// Every code, in order.
        pub static ALL: &[Code] =
            &[$(Code { code: stringify!($name), title: $title, explanation: $explanation }),*];
    };
}

codes! {
    // Files.
    E0001 "source file that cannot be read" "The file is missing, is no regular file, lies outside the project's folder, is larger than 16 MB or is not UTF-8 text.";

    // Syntax.
    E0101 "unexpected text" "The text at this place does not continue what was begun. The message says what could stand there. A newline ends a statement except inside parentheses and brackets.";
    E0102 "unterminated string" "A string starts and ends with a double quote on the same line.";
    E0103 "unclosed bracket or block" "An opening bracket or brace has no closing one. The place shown is the opening one.";
    E0104 "closing bracket without its opening one" "A closing bracket or brace has no opening one, or closes one of another shape.";
    E0105 "nested too deeply" "Brackets, prefix operators and powers nest at most 256 deep, and an expression is at most 1000 operations deep. Name parts of it with `let`.";
    E0106 "number out of range" "A number must be representable as a 64-bit float: its magnitude lies between about 5e-324 and 1.8e308, or it is zero.";
    E0107 "missing operator" "Two values stand side by side. Multiplication is always written: `2*x`, `a*(b + c)`.";
    E0108 "character without meaning" "The character is not part of the language. Characters that only look like one (a typographic minus, a no-break space) are named with the one to write.";
    E0109 "invisible direction control" "Bidirectional control characters make text appear in an order other than the one that is compiled, so they are refused everywhere, also in strings and comments.";
    E0110 "not a text file" "The file holds a NUL character: it is binary, or text in an encoding other than UTF-8.";
    E0111 "not an item" "At the top level of a file stand only `use`, `model`, `network`, `data`, `solve`, `fit` and `test`.";
    E0112 "not a statement of a model" "Inside a model stand `state`, `param`, `const`, `input`, `let`, `initial`, `final`, `boundary` and equations.";
    E0113 "item without its block" "A model, a network and a test have a block: `model Name { ... }`.";
    E0114 "unknown escape in a string" "Inside a string `\\\\`, `\\\"`, `\\n` and `\\t` are known. Paths are written with `/` on every system.";
    E0115 "keyword used as a name" "The word starts a declaration or an item, so nothing can be named by it.";
    E0116 "too large" "A file has at most 16 MB and 300,000 words, numbers and symbols; a statement at most 50,000; a name at most 255 bytes; a number at most 400 digits.";
    E0117 "positional argument after a named one" "Positional arguments come first: `poly(x, y; degree = 2)`.";
    E0118 "nothing in the file" "The file declares no model, network, data or fit.";
    E0119 "malformed number" "Numbers are written `12`, `1.5`, `2e-3`, `5%`: digits on both sides of a decimal point, no separators.";
    E0120 "too many syntax errors" "Reading stopped after 50 errors; the file may not be a model at all.";
    E0121 "equation without an equals sign" "An equation has two sides with `=` between them: `x' = -k*x`.";

    // Names and imports.
    E0201 "unknown name" "The name is declared nowhere it could be seen from here. Names of a model are its states, parameters, constants, inputs and `let`s, and `t` and `pi`.";
    E0202 "declared twice" "Two declarations in the same place share a name, a loop or a sum has the name of one around it, or a value is given twice. The other place is shown.";
    E0203 "reserved name" "`t` is the time, `pi` a number, and names of functions stay functions; nothing else can be called so.";
    E0204 "unknown function" "There is no function of that name. Functions of your own are declared with `fn`.";
    E0205 "wrong arguments" "The function takes another number of arguments.";
    E0206 "import cannot be read" "The file that a `use` names cannot be read. `use a.b.Name` reads `a/b.mech`; `std` holds the standard library.";
    E0207 "import holds no such item" "The file exists but declares no model or network of that name. Data sets and fits are not imported.";
    E0208 "import cycle" "Files import each other in a circle.";
    E0209 "circular definition" "A constant, parameter value or `let` needs its own value.";
    E0210 "not a constant" "Here a number must come out when the file is read: numbers, constants and fixed parameters may be used, nothing that changes or is estimated.";
    E0211 "not a value" "Texts, lists and dotted names have no value in a model's expressions.";
    E0212 "fixed parameter without value" "A fixed parameter is never estimated, so it needs a value.";
    E0213 "range and value contradict" "A range needs a lower end below its upper end, and a start value must lie inside.";

    // Equations.
    E0301 "state without equation" "Every state needs one equation for its highest derivative.";
    E0302 "two equations for one state" "Each state is determined by exactly one equation.";
    E0303 "equation determines no state" "The equation holds no highest derivative. A quantity that follows from others at the same time is a `let`.";
    E0304 "ambiguous equation" "The equation holds the highest derivatives of several states that no other equation determines.";
    E0305 "derivative above the order" "A derivative is used that is higher than the one the state's equation gives.";
    E0306 "wrong order" "An order is a whole number from 1 to 8 and must agree with the state's equation.";
    E0307 "highest derivative must enter linearly" "An equation must be solvable for the highest derivative of its state: that derivative stands alone, times a coefficient free of states and estimated numbers.";
    E0308 "algebraic loop" "The highest derivatives of several states are defined by each other.";
    E0309 "expression too large" "After substitution and multiplication the model's expressions pass the limit of a million operations or of nesting 2000 deep.";
    E0310 "constant without a value" "A constant part of an expression lies outside a function's domain, divides by zero or overflows.";
    E0311 "wrong initial value" "Initial values are given once for each state and each derivative below its order.";
    E0312 "only states have derivatives" "A prime stands after something that is not a state.";
    E0313 "tuple equation does not fit" "A tuple on the left needs one value on the right for each state, or one for all.";
    E0314 "model without states" "A model describes states; this one declares none.";
    E0315 "wrong start from data" "`initial x = data.x for 50 steps` takes the first values of a column of the data, for a whole number of steps.";
    E0316 "wrong boundary" "A model has `boundary periodic` at most once, and then no values at the last time.";
    E0317 "derivative written as a quotient" "The derivative of a state with respect to time is written with a prime: `x'` for dx/dt, `x''` for the second.";

    // Holes.
    E0401 "unknown kind of hole" "Holes are `?poly`, `?linear`, `?terms`, `?fourier` and `?ratio`.";
    E0402 "wrong option of a hole" "`?poly` takes `degree`, `?fourier` takes `harmonics`, every hole takes bounds `coefficients >= 0` and `coefficients <= 1`.";
    E0403 "hole too large" "A hole has at most 10,000 candidate terms.";
    E0404 "term twice in one hole" "Two candidate terms of a hole are equal up to a factor, so their coefficients cannot be told apart.";
    E0405 "term in two holes" "Two holes of one equation hold the same candidate term, so their coefficients cannot be told apart.";
    E0406 "hole in the wrong place" "A hole stands in an equation: not in a `let`, a constant, a function or another hole.";
    E0407 "candidate term times a parameter" "An estimated parameter is a factor of a candidate term or of a hole.";
    E0408 "holes multiplied" "Two holes are factors of one product, so their scales cannot be told apart.";

    // Settings.
    E0501 "unknown setting" "The block has no such setting. The help lists those it has.";
    E0502 "setting twice" "A setting stands twice in one block.";
    E0503 "wrong form of a setting" "The value of a setting has another form than it needs.";
    E0504 "setting out of range" "The value of a setting lies outside its range.";
    E0505 "missing setting" "The block needs a setting that it lacks.";
    E0506 "model cannot be simulated" "To be simulated a model needs a number for every parameter, no holes, and for its inputs data that have them.";
    E0507 "initial values do not fit" "A simulation needs one initial value for each state and each derivative below its order, from `initial` in the model or `from` in the data block.";
    E0508 "state without auxiliary" "The gradient engine evaluates nonlinear and unknown terms on network outputs; every state in such a term needs `auxiliary x = network.output`.";
    E0509 "wrong auxiliary" "`auxiliary (x, y) = network.output` needs states of the model on the left and an output over the window of as many numbers on the right.";
    E0510 "data does not observe the model" "The data has no column for any state of the model, or lacks one that is needed. States are matched by name.";
    E0511 "settings contradict each other" "Two settings cannot hold at the same time.";
    E0512 "unknown data source" "Data comes from `csv`, `npz`, `npy`, `parquet`, `simulate` or `formula`.";
    E0513 "declaration that is not honoured here" "A periodic boundary, values at the last time and starts from data are honoured by `solve` items; a fit by the gradient engine honours starts from data. Simulations and other fits start from initial values alone. Inputs that are `held` or an `impulse` are honoured by simulations and by the joint engine.";
    E0514 "solution that is not determined" "A solve item needs as many values at the ends of the time as its model has states and derivatives below their orders, from `initial`, `from`, `final` or data, or a periodic boundary.";
    E0515 "wrong formula" "A formula block has the times `t = linspace(first, last, number)` and a formula for each column, of the time, other columns, functions, `normal()` and `uniform()`.";
    E0516 "prediction that cannot be made" "A prediction goes on where a fit ends, without inputs, from samples at equal distances. A fit whose equations differ from window to window needs a `horizon` beyond its `window`. Predictions cannot be fitted themselves, none is called `parameters` or `fields`, as tables of the run are, and the names of two differ by more than the case of their letters.";
    E0518 "wrong formula of columns" "A column of a file is named, or computed by a formula of other columns of the file, the time and functions: `u = hare/1000`. Only csv, npz and parquet files have names for formulas. What a network reads may be computed from states in the same way.";

    // Settings from outside.
    E0601 "unknown block in an override" "The name before the dot is that of a data set, a network, a fit or a model.";
    E0602 "unknown key in an override" "The block has no such setting, or the model no such parameter or constant.";
    E0603 "malformed override" "An override is written `block.key=value`, as in `run.noise=5%`.";

    // Units.
    E0801 "unknown unit" "Units are those of the SI, others that are used with it, and those a file declares with `unit`. Prefixes stand before the name: `km`, `mV`, `uM`.";
    E0802 "units do not fit" "What is added, compared, or stands on both sides of an equation measures the same. Both places are shown with their units.";
    E0803 "units of different size" "Both sides measure the same in units of different size. Numbers are not rescaled by themselves: multiply by a number with a unit, such as `1000 [m/km]`.";
    E0804 "plain number needed" "The argument of a function such as `exp` and an exponent are plain numbers, and so are counts, orders and settings that measure nothing.";
    E0805 "power without a unit" "A quantity with a unit can be raised to a constant fraction only, since otherwise nobody can tell the unit of the result.";
    E0806 "wrong declaration of a unit" "A unit is declared once, has a size above zero and no name that is a unit already; the time of a model has one unit. Degrees Celsius have another zero than kelvin, so only a column of data can be in them.";
    E0807 "nothing to convert to" "A number or a column of a data set has a unit, and the model says nothing about the unit it is needed in.";

    // Index sets, functions, conditionals.
    E0901 "element out of range" "A subscript or a neighbour lies outside its index set. Index sets that are `periodic` go on at the other end.";
    E0902 "impossible size" "Index sets and ranges have 1 to 100,000 elements, and so has everything declared over them.";
    E0903 "index sets do not match" "A name without subscripts stands for the current element of each of its index sets, so the statement needs those index sets too.";
    E0904 "wrong index" "Subscripts are whole numbers, one for each index set at most; loops and sums run over index sets or ranges, and repeat equations and initial values only.";
    E0905 "nothing to differentiate along" "`dx`, `dxx` and `D` need one index set with a spacing.";
    E0906 "function calls itself" "Functions are substituted where they are called, so none may need itself.";
    E0907 "comparison in the wrong place" "A comparison stands between `if` and `then`, and nothing else stands there.";

    // Networks and trained quantities.
    E1001 "convolution without steps" "`conv1d` goes along the steps of a window. Behind `flatten`, `linear` and `mlp`, and in a network with a learned input, there are none.";
    E1002 "residual layer of another size" "A residual convolution adds what it reads to what it gives, so both have the same number of channels.";
    E1003 "convolution that does not give its output" "An output that ends with a convolution is over the window and has as many numbers per step as the convolution.";
    E1004 "linear layer out of place" "`linear` without sizes gives the numbers of an output and is its last layer; only functions stand behind it.";
    E1005 "unknown layer" "Layers are `conv1d`, `linear`, `mlp`, `flatten`, the functions, and names of layers that stand above.";
    E1006 "wrong parameter binding" "`parameters (a, b) = network.output` needs estimated parameters of the model on the left, each with both ends of a range or none, and an output of as many numbers on the right that is not over the window.";
    E1007 "wrong variation of a simulation" "`vary r = normal(3, 0.5)` draws an estimated parameter of the simulated model for every trajectory, from a normal distribution with a mean and a standard deviation of at least 0.";
    E1008 "wrong loss" "A loss is `mse`, `mae` or `sse`, alone or as a sum of terms such as `mse(x, y; weights = (1, 0.1))` and `mae(network.output, x)`.";
    E1009 "wrong field" "`field c over time init uniform(0, 1)` starts at a number or between two; `fields (c0, c1) = network.output` needs fields of the model on the left and an output over the window of as many numbers on the right.";
    E1010 "wrong step" "`step = network.output` needs an output of one number that ends with `sigmoid`, since steps are positive.";
    E1011 "wrong start" "`initial (x, x') = network.output` needs states, or derivatives below their order, on the left and an output of as many numbers on the right that is not over the window.";
    E1012 "number for each sample that nothing gives" "What is `per sample` has a number for each window of the data, which a network output gives in a fit by the gradient engine: `parameters (a, b) = network.output`, `step = network.output`. The joint engine estimates such parameters itself, trajectory by trajectory; steps are those of the data there, since a step of a trajectory's own would be nothing but a factor on the right sides of its equations.";
    E1015 "wrong shift" "`shift (x, y) by x at 0` subtracts the first sample of one observed state of the model from others, window by window.";
    E1016 "wrong index set of a network" "Layers go along the index set that stands behind `input u over window, cell`: everything the network reads has it, and outputs are over it or over none.";

    // Tests.
    E1101 "expectation not met" "What a test expects does not hold. Both sides are named as they were found.";
    E1102 "unknown name in a test" "An expectation names an item, column, parameter, state or function that there is not, or leaves open which of several fits it means.";
    E1103 "expectation that cannot be judged" "The sides of an expectation cannot be compared, or a function gets something it cannot take.";
    E1104 "snapshot differs" "A text is not the one that was kept, or none was kept yet. `mechc test --update` keeps the new one.";
    E1105 "test that could not run" "The data could not be had, a fit failed, or a figure that is asked for does not exist.";
    E1106 "test without expectations" "A test needs at least one `expect`.";
    E1107 "test without a name" "The name of a test is what `mechc test` prints and `--filter` finds: one line of characters that can be seen.";

    // Tools.
    E1201 "not in its layout" "`mechc fmt --check` found that the file is not laid out as `mechc fmt` would write it.";

    // Warnings.
    W0701 "unused name" "A constant, `let`, input or fixed parameter is declared and never used.";
    W0702 "unused item" "An import, a network, a data set or a function is declared and never used.";
    W0703 "setting without effect" "The setting belongs to the other fitting engine.";
    W0704 "unknowns that look alike" "Two unknowns multiply the same factors in all equations: no data can tell them apart.";
    W0705 "parameter without effect" "No equation holds the parameter, or it only moves a jump, so nothing can identify it.";
    W0706 "unobserved state" "No column of the data observes the state; it is estimated from the equations alone.";
    W0707 "nothing to estimate" "The fitted model has no unknown: neither holes nor parameters that are not fixed.";
    W0708 "tolerance as large as the value" "A number of the other sign, or none at all, would meet the expectation. A tolerance without `%` is absolute: `within 5` is not `within 5%`.";
    W0709 "initial value that nothing uses" "A fit estimates where observed states begin, and nothing else takes the value. Say `initial held` in the fit where starts are known, or leave the value out.";
    W0801 "term without a sensible unit" "A candidate term applies a function such as `exp` to a quantity with a unit, so that its value depends on the choice of the unit.";
    W0802 "number without a unit beside a quantity" "A number without a unit is a term of a sum of quantities and takes their unit, which a saturation such as `1 + h*u` does not mean. Write the unit behind the number, or correct the unit of the other term.";
    W0803 "column without a unit" "A column has no unit in a block in which other columns have one, so it is read as it is, in the unit of the model. Write the unit that the file has, also where it is that of the model.";
    W0804 "state without a unit" "A state or an input has no unit and no equation tells it, while others of the model have one. Write its unit behind its name, `[1]` for a plain number.";
    W1001 "layers without a reader" "Layers have a name and no output reads them, so they are left out.";
    W1101 "collinear terms" "On the data, a candidate term is a combination of others, so its coefficient cannot be told from theirs.";
    W1102 "parameter that the data do not identify" "On the data, other unknowns do what the parameter does, or it does nothing.";
    W1103 "steps too coarse" "A state changes faster than it was sampled: there are fewer than eight samples in a period of its fastest change, or it goes over most of what it does in one step.";
    W1104 "estimate at the end of its range" "The best value of a parameter within its range is one of the range's ends, so the data would take it further. Widen the range, or look for what else in the model is wrong.";
    W1105 "kept term that is not significant" "A candidate term was kept although its coefficient is below two standard errors. Give more data or fewer candidates, or set `significance`.";
    W1106 "data file that is not there" "There is no file at the path of a data set. Correct the path, which is relative to the model file, or bring the file before the model is fitted.";
    W1107 "solution that explains little" "What the solution leaves over of a state's data is more than half as large as the solution itself: the noise hides the signal, or the model leaves something out. Other equations may explain the data as well.";
    W1108 "data sets of different sizes" "The steps or a column of one data set are ten times as large as those of another one of the same fit, as they are where a unit was not converted.";
    W1109 "data that do not vary" "A state is the same number at every sample, although its equation lets it change, or an input is, so that what it does cannot be told from a constant. Often another column of the file is meant.";
    W1110 "input that jumps" "An input changes from one sample to the next far more than around them. Between samples inputs are taken as smooth unless they are declared otherwise, so that a jump is a ramp over one step, which biases coefficients: `input u held` keeps the value of a sample until the next one, `input u impulse` takes numbers for amounts that come in at once.";
    W1111 "solution that leaves over more than noise" "What the solution leaves over of a state's data is not noise: neighbouring samples have nearly the same residual. A term is missing, or the fit is in a wrong minimum.";
    W1112 "sample that stands out" "A sample is far from what those before and behind it say, as a typing error is, or a number such as -999 stands where no sample was taken. Look at it in the file, or declare the number: `missing \"-999\"`.";
    W1113 "gap longer than the motion takes" "Between two samples more happens than a fit can follow. Give the file a column that numbers the parts before and behind the gap, and name it: `trajectory part`.";
    W1114 "data that jump" "All observed states jump between two samples, as they do where experiments stand under one another. Give them a column that tells them apart, and name it: `trajectory run`.";
    W1115 "terms dropped for their size" "A training drops terms whose coefficients are below `threshold`, and some that it dropped are significant, or a hole has none left. Take a smaller `threshold`.";
    W1116 "samples that are cut off" "Many samples of a column stand at exactly its largest or least number, run by run, while the motion around them goes on: a sensor that reads no further. Declare them as missing.";
    W1117 "data that were smoothed" "What the solution leaves over of a state's data agrees between a few neighbouring samples, far shorter than the motion, and no further: the data were smoothed. Fit the samples as they were measured.";
    W1118 "sensor that drifts" "What the solution leaves over of one column goes steadily up or down while all others follow the model. Take the drift out of the column, or give it a state and a parameter of its own.";
    W1119 "data that follow no trajectory of the model" "No solution of the equations goes through the data: the process itself is noisy, a term is missing, or a parameter is held by its range.";
    W1120 "fit that did not settle" "Estimates still move by more than a third of their standard errors, or terms still come and go, when the fit ends, or a training ends while trained numbers are on their way: its numbers are not those of a best fit.";
    W1121 "prediction that fails" "What was held out is not predicted, or a prediction of the fit has nothing, fails or ends early: the solution of the equations that were found cannot be taken so far.";
    W1122 "nothing left that was asked for" "No candidate term of a hole is significant, or every term that holds a parameter was dropped, so that its value says nothing.";
    W1123 "hidden state whose zero or scale is a convention" "No column observes a state, and with another zero, another scale, or another share of other states in it, other equations follow the data exactly as well. Say what is known of it, or read the other terms alone.";
    W1124 "solution that is a compromise" "A solution of a `solve` item misses a value that is given at an end, leaves its own derivatives from one step to the next, or is hardly determined by its ends. Take a smaller `dt`, or values that agree with the equations.";
    W1125 "other numbers that fit as well" "No column observes a state, and the same law with other numbers, its rate exchanged with that of another state, fits the data as well: errors know nothing of it. Say which is meant by a range, or measure the state.";
    W1126 "noise that is not the same everywhere" "What the solution leaves over of a state is the larger, the larger the state is, as the noise of assays is, or larger in some trajectories than in others, and was taken for the same at all samples: standard errors do not hold. Let the logarithm be the state, or what is measured in units of its noise.";
    W1127 "values that are repeated" "Every number of a column stands there several times, one behind the other, as a slow sensor or a table that was filled up leaves it. Keep the first of each and declare the others as missing.";
    W1128 "trajectories that are copies" "A trajectory is the same as another one, number by number: it is no measurement of its own. Leave it out.";
    W1131 "state that is switched" "The column of a state takes a few numbers only, each for several samples: what is switched from outside is an input, and no equation follows it.";
}
