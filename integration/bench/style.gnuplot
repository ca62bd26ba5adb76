# SPDX-License-Identifier: Apache-2.0
# What the plots have in common: colours that colour-blind people can tell
# apart, on white; points of different shapes.
set encoding utf8
set datafile separator "\t"
set datafile missing "-"
set key tmargin center horizontal
set border 3 linecolor rgb "#333333"
set tics nomirror textcolor rgb "#333333"
set grid ytics linecolor rgb "#dddddd" linewidth 1
set linestyle 1 linecolor rgb "#999999" linewidth 2 pointtype 1 pointsize 0.8
set linestyle 2 linecolor rgb "#0072b2" linewidth 2.5 pointtype 7 pointsize 0.8
set linestyle 3 linecolor rgb "#e69f00" linewidth 2 pointtype 5 pointsize 0.8
set linestyle 4 linecolor rgb "#cc3311" linewidth 2 pointtype 9 pointsize 0.8
set linestyle 5 linecolor rgb "#f0c75e" linewidth 2 pointtype 4 pointsize 0.8
set linestyle 6 linecolor rgb "#ee8877" linewidth 2 pointtype 8 pointsize 0.8
set linestyle 9 linecolor rgb "#333333" linewidth 1 dashtype 2
