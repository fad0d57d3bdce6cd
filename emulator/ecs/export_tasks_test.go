package ecs

// Digits is digits, of which runtime ids are made.
var Digits = digits
