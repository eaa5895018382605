// Package image is the tool view_image: it shows a local image to the model.
//
// The path is resolved while the call is proposed, and read when it runs, without following
// a symbolic link by then, after the plan of the grant allowed the read. The format
// is told from the content: PNG, JPEG, GIF or WebP, at most [MaxFile] bytes.
// The image is sent as it is; it is not scaled.
package image
