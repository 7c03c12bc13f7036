// Decimal numbers of configurations. The standard library's parseFloat and f64.toString weigh 4 KB with their tables; these
// are exact up to 15 digits, which is what configurations hold.

/** The number that the digits mean: `-`, digits, `.` digits and `e` digits, as JSON has them. */
export function parseDecimal(text: string): f64 {
  let mantissa: f64 = 0;
  let exponent = 0;
  let at = text.startsWith("-") ? 1 : 0;
  let afterDot = false;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code == 0x2e /* . */) {
      afterDot = true;
    } else if ((code | 0x20) == 0x65 /* e */) {
      exponent += parseExponent(text.substring(at + 1));
      break;
    } else {
      mantissa = mantissa * 10 + <f64>(code - 0x30);
      if (afterDot) exponent--;
    }
  }
  const power = powerOfTen(abs(exponent));
  const value = exponent < 0 ? mantissa / power : mantissa * power;
  return text.startsWith("-") ? -value : value;
}

/** The number with at most six digits after the point. */
export function formatDecimal(value: f64): string {
  if (value < 0) return "-" + formatDecimal(-value);
  const whole = floor(value);
  if (whole >= 9e15) return "more than 9000000000000000";
  let text = (<u64>whole).toString();
  let rest = <u32>nearest((value - whole) * 1e6);
  if (!rest) return text;
  text += ".";
  for (let unit: u32 = 100_000; rest; unit /= 10) {
    text += (rest / unit).toString();
    rest %= unit;
  }
  return text;
}

/** Limited to 400 either way, where every number is 0 or infinite. */
function parseExponent(text: string): i32 {
  let exponent = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit >= 0) exponent = min(400, exponent * 10 + digit); // + and - are below the digits
  }
  return text.startsWith("-") ? -exponent : exponent;
}

/** Infinite above 10^308. */
function powerOfTen(exponent: i32): f64 {
  let power: f64 = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}
