/** Shaders of thematic pictures: heat on the ground, columns, moving dashes. */

/** Brings what lies on the ground before the coarse terrain of far tiles: depth alone moves, not the picture. */
const FORWARD = /* glsl */ `
vec4 forward( vec4 view, float metres, float part ) {
	float away = length( view.xyz );
	vec4 clip = projectionMatrix * view;
	vec4 near = projectionMatrix * vec4( view.xyz * ( 1.0 - min( 0.5, ( metres + part * away ) / max( away, 1.0 ) ) ), 1.0 );
	clip.z = near.z / near.w * clip.w;
	return clip;
}
`;

export const BLUR_VERTEX = /* glsl */ `
void main() {
	gl_Position = vec4( position.xy, 0.0, 1.0 );
}
`;

/** One pass of a Gaussian over cells, along columns or rows. */
export const BLUR_FRAGMENT = /* glsl */ `
uniform highp sampler2D uCells;
uniform ivec2 uStep;
uniform int uReach;
uniform float uSigma;
void main() {
	ivec2 size = textureSize( uCells, 0 );
	ivec2 here = ivec2( gl_FragCoord.xy );
	vec2 sum = vec2( 0.0 );
	float total = 0.0;
	for ( int k = - uReach; k <= uReach; k ++ ) {
		float weight = exp( - 0.5 * float( k * k ) / ( uSigma * uSigma ) );
		total += weight;
		ivec2 cell = here + k * uStep;
		if ( all( greaterThanEqual( cell, ivec2( 0 ) ) ) && all( lessThan( cell, size ) ) ) sum += weight * texelFetch( uCells, cell, 0 ).rg;
	}
	gl_FragColor = vec4( sum / total, 0.0, 1.0 );
}
`;

export const HEAT_VERTEX = /* glsl */ `
varying vec2 vCell;
uniform vec2 uCells;
${FORWARD}
void main() {
	vCell = uv * uCells - 0.5;
	gl_Position = forward( modelViewMatrix * vec4( position, 1.0 ), 2.0, 0.004 );
}
`;

export const HEAT_FRAGMENT = /* glsl */ `
uniform highp sampler2D uHeat;
uniform sampler2D uPalette;
uniform vec2 uRange;
uniform float uFactor;
uniform float uMean;
uniform float uSupport;
uniform float uOpacity;
varying vec2 vCell;
vec2 cell( ivec2 at ) {
	return texelFetch( uHeat, clamp( at, ivec2( 0 ), textureSize( uHeat, 0 ) - 1 ), 0 ).rg;
}
void main() {
	ivec2 low = ivec2( floor( vCell ) );
	vec2 part = vCell - vec2( low );
	vec2 found = mix( mix( cell( low ), cell( low + ivec2( 1, 0 ) ), part.x ), mix( cell( low + ivec2( 0, 1 ) ), cell( low + ivec2( 1, 1 ) ), part.x ), part.y );
	float value = uMean > 0.5 ? found.r / max( found.g, 1e-12 ) : found.r * uFactor;
	float share = clamp( ( value - uRange.x ) / max( uRange.y - uRange.x, 1e-12 ), 0.0, 1.0 );
	float seen = uMean > 0.5 ? smoothstep( 0.0, 0.25, found.g / uSupport ) : smoothstep( 0.01, 0.2, share );
	if ( seen < 0.01 ) discard;
	vec3 colour = texelFetch( uPalette, ivec2( 1 + int( share * 249.0 + 0.5 ), 0 ), 0 ).rgb;
	gl_FragColor = vec4( sqrt( colour ), seen * uOpacity );
}
`;

export const COLUMN_VERTEX = /* glsl */ `
attribute vec4 aFoot;
uniform float uWidth;
uniform float uHeight;
uniform float uPixel;
uniform sampler2D uPalette;
varying vec3 vPlace;
varying vec3 vColour;
void main() {
	float wide = max( uWidth, 3.0 * uPixel * distance( aFoot.xyz, cameraPosition ) );
	vec3 place = aFoot.xyz + vec3( position.xy * wide, position.z * max( 0.3, uHeight * aFoot.w ) );
	vPlace = place;
	vColour = texelFetch( uPalette, ivec2( 1 + int( clamp( aFoot.w, 0.0, 1.0 ) * 249.0 + 0.5 ), 0 ), 0 ).rgb;
	gl_Position = projectionMatrix * ( viewMatrix * vec4( place, 1.0 ) );
}
`;

export const COLUMN_FRAGMENT = /* glsl */ `
uniform vec3 uSun;
uniform float uOpacity;
varying vec3 vPlace;
varying vec3 vColour;
void main() {
	vec3 normal = normalize( cross( dFdx( vPlace ), dFdy( vPlace ) ) );
	float light = 0.68 + 0.2 * normal.z + 0.22 * max( dot( normal, uSun ), 0.0 );
	gl_FragColor = vec4( sqrt( clamp( vColour * light, 0.0, 1.0 ) ), uOpacity );
}
`;

export const FLOW_VERTEX = /* glsl */ `
attribute vec4 aFrom;
attribute vec4 aTo;
uniform float uRise;
uniform float uWidth;
uniform vec2 uSize;
uniform sampler2D uPalette;
varying float vAlong;
varying float vShare;
varying float vSide;
varying vec3 vColour;
${FORWARD}
vec3 way( float t ) {
	float rise = uRise * distance( aFrom.xy, aTo.xy );
	return mix( aFrom.xyz, aTo.xyz, t ) + vec3( 0.0, 0.0, rise * 4.0 * t * ( 1.0 - t ) );
}
void main() {
	float t = position.x, side = position.y;
	vec3 place = way( t );
	vec4 clip = forward( viewMatrix * vec4( place, 1.0 ), 2.5, 0.005 );
	float ahead = t < 0.5 ? 0.02 : - 0.02;
	vec4 other = projectionMatrix * ( viewMatrix * vec4( way( t + ahead ), 1.0 ) );
	vec2 along = ( other.xy / max( abs( other.w ), 1e-6 ) - clip.xy / max( abs( clip.w ), 1e-6 ) ) * uSize * sign( ahead );
	along = dot( along, along ) > 1e-12 ? normalize( along ) : vec2( 1.0, 0.0 );
	vShare = aFrom.w;
	float width = mix( 2.0, uWidth, vShare );
	clip.xy += vec2( - along.y, along.x ) * side * width / uSize * clip.w;
	vSide = side;
	vAlong = aTo.w + t * distance( aFrom.xyz, aTo.xyz );
	vColour = texelFetch( uPalette, ivec2( 1 + int( clamp( vShare, 0.0, 1.0 ) * 249.0 + 0.5 ), 0 ), 0 ).rgb;
	gl_Position = clip;
}
`;

export const FLOW_FRAGMENT = /* glsl */ `
uniform float uTime;
uniform float uPeriod;
uniform float uOpacity;
varying float vAlong;
varying float vShare;
varying float vSide;
varying vec3 vColour;
void main() {
	float wave = fract( vAlong / uPeriod - uTime * ( 0.25 + 0.95 * vShare ) );
	float dash = smoothstep( 0.15, 0.85, wave ) * ( 1.0 - smoothstep( 0.93, 1.0, wave ) );
	float edge = 1.0 - smoothstep( 0.7, 1.0, abs( vSide ) );
	gl_FragColor = vec4( sqrt( mix( vColour, vec3( 1.0 ), 0.25 * dash ) ), uOpacity * edge * ( 0.3 + 0.7 * dash ) );
}
`;
