/** The text that a part of a URL spells. A percent sign that begins no escape stands for itself. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
