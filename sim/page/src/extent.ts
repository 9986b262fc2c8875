/** The least and the largest of some numbers; never a range of no length. */
export function extent(numbers: number[]): [number, number] {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return least < most ? [least, most] : [least - 1, most + 1];
}
