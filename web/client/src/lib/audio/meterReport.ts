// What the meter tells from the audio thread: one Float64Array, filled anew for each report and copied by postMessage.

/** Places in the array. Frames are those of the AudioContext. */
export const UNTIL = 0; // frame: everything before it has been judged
export const RMS = 1; // of the samples of this report, amplitude 0 to 1
export const PEAK = 2; // their largest amplitude
export const CLIPPED = 3; // how many of them are at 0.99 or above
export const SAMPLES = 4; // how many there are
export const BEGAN = 5; // frame of the first audible sample of a span, NOTHING if none began
export const ENDED = 6; // frame of the last audible sample of a span, NOTHING if none ended
export const LAST_AUDIBLE = 7; // frame of the last audible sample so far, NOTHING if none or if it has ended
export const REPORT_LENGTH = 8;

export const NOTHING = -1;
