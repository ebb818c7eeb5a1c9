/** What a city is known by in a browser, from one of its versions to the next: its name and where its frame lies. */
export function cityKey(manifest: { name: string; origin: { crs: string; easting: number; northing: number; height: number } } | null): string {
  const { name = "", origin } = manifest ?? {};
  return JSON.stringify([name, origin?.crs ?? "", origin?.easting ?? 0, origin?.northing ?? 0, origin?.height ?? 0]);
}
