/** What the graphics of this machine can afford. */

export interface Quality {
  software: boolean;
  antialias: boolean;
  maxPixelRatio: number;
  shadowSize: number;
  /** Pixels of error at which a tile is refined. */
  errorTarget: number;
  cacheMegabytes: number;
}

/** Ask a small context who draws: a graphics card or the processor. */
export function chooseQuality(antialias: boolean | undefined): Quality {
  const context = document.createElement("canvas").getContext("webgl2");
  if (!context) throw new Error("This browser has no WebGL 2; switch on hardware acceleration or use a newer browser");
  const info = context.getExtension("WEBGL_debug_renderer_info");
  const name = String(info ? context.getParameter(info.UNMASKED_RENDERER_WEBGL) : context.getParameter(context.RENDERER));
  context.getExtension("WEBGL_lose_context")?.loseContext();
  const software = /swiftshader|llvmpipe|software|basic render/i.test(name);
  const mobile = matchMedia("(pointer: coarse)").matches && Math.min(screen.width, screen.height) < 900;
  return {
    software,
    antialias: antialias ?? !software,
    maxPixelRatio: software ? 1 : mobile ? 1.5 : 2,
    shadowSize: software ? 1536 : mobile ? 2048 : 4096,
    errorTarget: software ? 20 : 12,
    cacheMegabytes: mobile ? 250 : 700,
  };
}
