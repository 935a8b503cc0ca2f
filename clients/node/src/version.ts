/** The version of the package, as in package.json; a constant, so that bundlers need no file. */

export const VERSION = "0.1.0";
