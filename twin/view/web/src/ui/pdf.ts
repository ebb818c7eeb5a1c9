/** A PDF of one page that a JPEG picture fills; enough to hand a plan on, without a library. */

export interface PdfPage {
  jpeg: Uint8Array;
  /** Pixels of the picture. */
  width: number;
  height: number;
  /** Size of the paper, millimetres. */
  width_mm: number;
  height_mm: number;
  title: string;
}

const POINTS_PER_MM = 72 / 25.4;

export function pdfOf(page: PdfPage): Blob {
  const [width, height] = [page.width_mm * POINTS_PER_MM, page.height_mm * POINTS_PER_MM].map((size) => size.toFixed(2)) as [string, string];
  const draw = `q ${width} 0 0 ${height} 0 0 cm /Picture Do Q`;
  const objects: (string | Uint8Array)[][] = [
    ["<< /Type /Catalog /Pages 2 0 R >>"],
    ["<< /Type /Pages /Kids [3 0 R] /Count 1 >>"],
    [`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${width} ${height}] /Resources << /XObject << /Picture 5 0 R >> >> /Contents 4 0 R >>`],
    [`<< /Length ${draw.length} >>\nstream\n${draw}\nendstream`],
    [
      `<< /Type /XObject /Subtype /Image /Width ${page.width} /Height ${page.height} /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode /Length ${page.jpeg.length} >>\nstream\n`,
      page.jpeg,
      "\nendstream",
    ],
    [`<< /Title ${textOf(page.title)} /Producer (citytwin) >>`],
  ];
  const parts: Uint8Array[] = [];
  let length = 0;
  const write = (part: string | Uint8Array): void => {
    const bytes = typeof part === "string" ? Uint8Array.from(part, (letter) => letter.charCodeAt(0)) : part;
    parts.push(bytes);
    length += bytes.length;
  };
  write("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n");
  const places = objects.map((object, i) => {
    const place = length;
    write(`${i + 1} 0 obj\n`);
    object.forEach(write);
    write("\nendobj\n");
    return place;
  });
  const table = length;
  write(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`);
  for (const place of places) write(`${String(place).padStart(10, "0")} 00000 n \n`);
  write(`trailer\n<< /Size ${objects.length + 1} /Root 1 0 R /Info 6 0 R >>\nstartxref\n${table}\n%%EOF\n`);
  return new Blob(parts as BlobPart[], { type: "application/pdf" });
}

/** Text in any script: UTF-16 with its mark, as hexadecimal. */
function textOf(text: string): string {
  const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i).toString(16).padStart(4, "0"));
  return `<feff${units.join("")}>`;
}
