"""Units that are converted into each other."""

from __future__ import annotations

from fractions import Fraction

COMPOUND = frozenset({"per", "/", "squared", "cubed", "a", "an", "each"})  # "m per second" is no length

# Unit to (kind, factor): equal kinds compare after multiplication.
UNITS: dict[str, tuple[str, Fraction]] = {}


def _add(kind: str, factor: str, *names: str) -> None:
    for name in names:
        UNITS[name] = (kind, Fraction(factor))


for _kind, _factor, _names in [
    ("length", "1", "m metre metres meter meters"),
    ("length", "1000000", "megametre"),
    ("length", "1000", "km kilometre kilometres kilometer kilometers"),
    ("length", "1/100", "cm centimetre centimetres centimeter centimeters"),
    ("length", "1/1000", "mm millimetre millimetres millimeter millimeters"),
    ("length", "1/1000000", "µm μm um micrometre micrometres micrometer micrometers micron microns"),
    ("length", "1/1000000000", "nm nanometre nanometres nanometer nanometers"),
    ("length", "0.3048", "ft foot feet"),
    ("length", "0.0254", "in inch inches"),
    ("length", "1609.344", "mi mile miles"),
    ("mass", "1", "kg kilogram kilograms kilogramme kilogrammes"),
    ("mass", "1/1000", "g gram grams gramme grammes"),
    ("mass", "1/1000000", "mg milligram milligrams"),
    ("mass", "1/1000000000", "µg μg mcg ug microgram micrograms"),
    ("mass", "1000", "t tonne tonnes megagram"),
    ("time", "1", "s sec second seconds"),
    ("time", "1/1000", "ms millisecond milliseconds"),
    ("time", "60", "min minute minutes"),
    ("time", "3600", "h hr hrs hour hours"),
    ("time", "86400", "day days"),
    ("time", "604800", "week weeks"),
    ("month", "1", "month months"),
    ("month", "12", "year years yr yrs"),
    ("volume", "1", "l litre litres liter liters"),
    ("volume", "1000000", "megalitre megalitres megaliter megaliters"),
    ("volume", "1000", "m^3 m3 cubic_metre cubic_metres cubic_meter cubic_meters"),
    ("volume", "1/1000", "cm^3 cm3 cc cubic_centimetre cubic_centimetres cubic_centimeter cubic_centimeters"),
    ("volume", "1000000000000", "km^3 km3 cubic_kilometre cubic_kilometres cubic_kilometer cubic_kilometers"),
    ("area", "1", "m^2 m2 square_metre square_metres square_meter square_meters"),
    ("area", "1000000", "km^2 km2 square_kilometre square_kilometres square_kilometer square_kilometers"),
    ("area", "10000", "ha hectare hectares"),
    ("speed", "1", "m/s m_per_second metres_per_second meters_per_second"),
    ("speed", "5/18", "km/h kmh kph km_per_hour kilometres_per_hour kilometers_per_hour"),
    ("speed", "0.44704", "mph mi/h miles_per_hour"),
    ("volume", "1/1000", "ml millilitre millilitres milliliter milliliters"),
    ("percent", "1", "% percent pct"),
    ("celsius", "1", "°c c celsius °celsius"),
    ("fahrenheit", "1", "°f f fahrenheit °fahrenheit"),
    ("kelvin", "1", "k kelvin"),
    ("energy", "1", "j joule joules"),
    ("energy", "1000", "kj kilojoule kilojoules"),
    ("power", "1/1000", "milliwatt milliwatts"),
    ("power", "1", "w watt watts"),
    ("power", "1000", "kw kilowatt kilowatts"),
    ("power", "1000000", "mw megawatt megawatts"),
    ("frequency", "1/1000", "millihertz"),
    ("frequency", "1", "hz hertz"),
    ("frequency", "1000", "khz kilohertz"),
    ("frequency", "1000000", "mhz megahertz"),
    ("usd", "1", "$ usd us$ dollar dollars us_dollar us_dollars"),
    ("eur", "1", "€ eur euro euros"),
    ("gbp", "1", "£ gbp pound pounds"),
    *((code, "1", code) for code in ("cad", "aud", "nzd", "hkd", "chf", "cny", "inr")),
    ("yen", "1", "¥ jpy yen"),
]:
    _add(_kind, _factor, *_names.split())


def known_unit(text: str) -> tuple[tuple[str, Fraction], str] | None:
    """Return the unit that a text begins with and the words behind it; None where it is not known or compound."""
    plain = text.strip(" .,;:()")
    words = plain.split()
    for size in (len(words), 3, 2, 1):
        name = "_".join(words[:size]).strip(".,;:()")
        if name in UNITS and COMPOUND.isdisjoint(words[max(size, 1) :]):
            return UNITS[name], " ".join(words[size:])
    return None
