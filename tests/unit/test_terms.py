import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import InputError
from pipeline.terms.expressions import grid_places, refuse_jumps
from pipeline.terms.parser import parse_terms
from pipeline.terms.terms import Term, canonical, equation_latex, equation_text, named

derivatives = st.tuples(st.integers(0, 4), st.integers(0, 4))
factors = st.lists(st.tuples(derivatives, st.integers(1, 4)), max_size=4, unique_by=lambda f: f[0]).map(canonical)
coefficients = st.floats(allow_nan=False, allow_infinity=False).filter(lambda c: c != 0.0)
terms = st.builds(Term, coefficients, factors)


@given(terms)
def test_a_terms_text_reads_back_to_the_same_term(term):
    assert parse_terms([term.text()], dimensions=2) == (term,)


@given(st.lists(terms, max_size=6, unique_by=lambda term: term.factors))
def test_an_equations_text_reads_back_to_the_same_terms(some):
    assert parse_terms([equation_text(some).removeprefix("u_t = ")], dimensions=2) == tuple(some)


def test_the_notes_terms():
    found = parse_terms(["-u*u_x", "-u_xx", "0.1*u_xxx", "1.5*u^2*u_x"])
    u, x = (0, 0), (1, 0)
    assert found == (Term(-1.0, ((u, 1), (x, 1))), Term(-1.0, (((2, 0), 1),)), Term(0.1, (((3, 0), 1),)), Term(1.5, ((u, 2), (x, 1))))
    assert [term.linear for term in found] == [False, True, True, False]
    assert [term.key for term in found] == ["u*u_x", "u_xx", "u_xxx", "u**2*u_x"]
    assert equation_text(found) == "u_t = -u*u_x - u_xx + 0.1*u_xxx + 1.5*u**2*u_x"
    assert equation_latex(found) == r"u_{t} = - u \, u_{x} - u_{xx} + 0.1 \, u_{xxx} + 1.5 \, u^{2} \, u_{x}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["-(u_xx + u_xxxx)"], ["-u_xx", "-u_xxxx"]),
        (["(u + u_x)**2"], ["u**2", "2*u*u_x", "u_x**2"]),
        (["u_x*u"], ["u*u_x"]),
        (["u_yx"], ["u_xy"]),
        (["2*u", "-u"], ["u"]),
        (["u_x", "-u_x", "u"], ["u"]),
        (["--2e-1 * u"], ["0.2*u"]),
        (["-u**2"], ["-1*(u*u)"]),
        (["u**0*u_x"], ["u_x"]),
    ],
)
def test_what_is_the_same_is_read_the_same(one, other):
    assert parse_terms(one, dimensions=2) == parse_terms(other, dimensions=2)


def test_the_latex_of_small_and_plain_coefficients():
    assert parse_terms(["-0.000012345*u"])[0].latex() == r"- 1.234 \times 10^{-5} \, u"
    assert parse_terms(["-1"])[0].latex() == "- 1"


def test_a_terms_values_are_its_product():
    u, x = np.array([2.0, -3.0]), np.array([0.5, 4.0])
    (term,) = parse_terms(["-0.5*u**2*u_x"])
    assert term.evaluate({(0, 0): u, (1, 0): x}).tolist() == (-0.5 * u * u * x).tolist()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("__import__('os')", 'unexpected "\'"'),
        ("__import__(os)", "no function '__import__'"),
        ("()*u", "expected a number, u or a derivative of u in place of ')'"),
        ("u.real", "unexpected '.'"),
        ("lambda: u", "unexpected ':'"),
        ("u[0]", "unexpected '['"),
        ("sinn(u)", "there is no function 'sinn'; did you mean 'sin'?; there are: sin, cos,"),
        ("sin(v)", "unknown symbol 'v'"),
        ("sin(u", "a bracket is not closed"),
        ("sin()", "expected a number, u or a derivative of u in place of ')'"),
        ("cos(y)", "unknown symbol 'y'"),
        ("cos(2*pi*x/Ly)", "unknown symbol 'Ly'"),
        ("cos(x**0.5)", "the exponent '0.5' is no whole number"),
        ("cos(u.real)", "unexpected '.'"),
        ("cos(__import__(x))", "there is no function '__import__'"),
        ("x*u", "x stands in a function that repeats itself, such as cos(2*pi*x/L)"),
        ("cos(" + "x+" * 300 + "x)", "a function has more than 100 operations in it"),
        ("cos(" * 30 + "x", "nested more than 20 deep"),
        ("sqrt(-1)*u", "sqrt(-1) is no finite number"),
        ("u_xz", "unknown symbol 'u_xz'; did you mean 'u_x'?"),
        ("v_x", "unknown symbol 'v_x'; did you mean 'u_x'?"),
        ("u_", "unknown symbol 'u_'"),
        ("u_y", "unknown symbol 'u_y'"),
        ("nan*u", "unknown symbol 'nan'"),
        ("u/2", "there is no division"),
        ("u**u", "the exponent 'u' is no whole number from 0 to 16"),
        ("u**-1", "the exponent '-' is no whole number"),
        ("u**0.5", "the exponent '0.5' is no whole number"),
        ("u**999999999", "the exponent '999999999' is no whole number"),
        ("u**2**3", "expected +, -, * or ** before '**'"),
        ("2u", "expected +, -, * or ** before 'u'"),
        ("u(2)", "expected +, -, * or ** before '('"),
        ("u*", "it ends too early"),
        ("", "it ends too early"),
        ("(u", "a bracket is not closed"),
        ("u)", "expected +, -, * or ** before ')'"),
        ("(" * 5000 + "u", "nested more than 20 deep"),
        ("(1+u+u_x+u_xx+u_xxx)**16", "more than 200 terms"),
        ("u**9*u**9", "a power above 16"),
        ("u_xxxxxxxxx", "the highest is 8"),
        ("1e999*u", "the number 1e999 is too large"),
        ("1e308*u*10", "the coefficient of u is not finite"),
        ("u_x\u0445", "unexpected '\u0445'"),  # Cyrillic, looks like x
        (3, "is no text"),
    ],
)
def test_anything_else_is_refused_by_name(text, said):
    with pytest.raises(InputError) as error:
        parse_terms([text])
    assert said in str(error.value)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        found = parse_terms([text])
    except InputError:
        return
    assert parse_terms([term.text() for term in found]) == found


@pytest.mark.parametrize(("coefficient", "made"), [(0.0, ()), (float("nan"), ()), (1.0, (((1, 0), 1), ((0, 0), 1)))])
def test_a_term_is_made_in_canonical_form_only(coefficient, made):
    with pytest.raises(InputError):
        Term(coefficient, made)


def test_a_term_by_name_has_a_key_and_no_values_in_u():
    manning = named("manning", 2, 9e-4)
    assert (manning.key, manning.linear, manning.order, manning.dimensions) == ("manning**2", False, 0, 1)
    assert manning.latex() == r"0.0009 \, \mathrm{manning}^{2}"
    assert named("linear_drag").latex() == r"\mathrm{linear drag}"
    assert canonical([("b", 1), ((1, 0), 1), ("a", 1), ((0, 0), 2)]) == (((0, 0), 2), ((1, 0), 1), ("a", 1), ("b", 1))
    with pytest.raises(InputError, match=r"the term 'manning\*\*2' is no product of u and its derivatives"):
        manning.evaluate({(0, 0): np.ones(3)})
    with pytest.raises(InputError, match="unknown symbol 'manning'"):
        parse_terms([manning.text()])  # a solver alone knows it


SAME = [
    ("cos( 2*pi*x / L )", "cos(2*pi*x/L)"),
    ("u_x*0.5*cos(x)^2*u", "0.5*u*u_x*cos(x)**2"),
    ("exp(-(x-3)**2/2)", "exp(-(x-3)**2/2)"),
    ("sin((2)*u)*sin(2*u)", "sin(2*u)**2"),
    ("sin(u_xx-(u-1))", "sin(u_xx-(u-1))"),
    ("exp(1)*pi*u", f"{float(np.exp(1.0)) * float(np.pi)!r}*u"),
    ("tanh(1/(2-cos(x)))", "tanh(1/(2-cos(x)))"),
]


@pytest.mark.parametrize(("text", "written"), SAME)
def test_functions_are_written_in_one_way_and_read_back(text, written):
    (term,) = parse_terms([text])
    assert term.text() == written
    assert parse_terms([written]) == (term,)


def test_functions_have_values_latex_and_the_derivatives_that_they_need():
    (term,) = parse_terms(["-0.5*u_x*cos(2*pi*x/L)*sin(u)"])
    x = 8.0 * np.arange(5) / 5
    u = np.array([[0.1, 2.0, -1.0, 0.3, 0.0], [1.0, 0.0, 0.5, -0.2, 3.0]])
    found = term.evaluate({(0, 0): u, (1, 0): u**2}, grid_places((8.0,), (5,)))
    assert found == pytest.approx(-0.5 * u**2 * np.cos(2.0 * np.pi * x / 8.0) * np.sin(u), rel=1e-14)
    assert (term.needed, term.order, term.linear, term.dimensions) == ({(0, 0), (1, 0)}, 1, False, 1)
    assert term.latex() == r"- 0.5 \, u_{x} \, \cos(2 \, \pi \, x / L) \, \sin(u)"
    (plain,) = parse_terms(["3*cos(2*pi*y/Ly)"], dimensions=2)
    assert plain.evaluate({}, grid_places((1.0, 2.0), (3, 4))).shape == (3, 4)
    assert (plain.needed, plain.dimensions) == (set(), 2)


@pytest.mark.parametrize(
    ("text", "length", "said"),
    [
        ("cos(x)", 8.0, r"cos(x) does not repeat itself over the period 8 along x: it jumps by 1.15 there"),
        ("sin(u+x)", 8.0, "does not repeat itself"),
        ("exp(1/x)", 8.0, "has no finite value everywhere"),
        ("u*cos(x)", 2.0 * np.pi, None),
        ("exp(-(x-3)**2)", 8.0, None),
        ("sin(u)", 8.0, None),
    ],
)
def test_what_does_not_repeat_itself_is_refused(text, length, said):
    if said is None:
        refuse_jumps(parse_terms([text]), (length,))
        return
    with pytest.raises(InputError) as error:
        refuse_jumps(parse_terms([text]), (length,))
    assert said in str(error.value)
