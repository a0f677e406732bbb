! The initial state from start.bin: columns and rows of the whole grid, then depth and momenta of each of its cells, row by row from the south,
! all float64. Without such a file the water is still.
subroutine qinit(meqn, mbc, mx, my, xlower, ylower, dx, dy, q, maux, aux)
    use amr_module, only: west => xlower, south => ylower
    use geoclaw_module, only: sea_level
    implicit none
    integer, intent(in) :: meqn, mbc, mx, my, maux
    real(kind=8), intent(in) :: xlower, ylower, dx, dy
    real(kind=8), intent(inout) :: q(meqn, 1-mbc:mx+mbc, 1-mbc:my+mbc)
    real(kind=8), intent(inout) :: aux(maux, 1-mbc:mx+mbc, 1-mbc:my+mbc)
    integer, parameter :: unit = 77
    real(kind=8) :: extent(2)
    integer(kind=8) :: first
    integer :: i, j, row, columns
    logical :: given

    q = 0.d0
    inquire(file='start.bin', exist=given)
    if (.not. given) then
        q(1, :, :) = max(0.d0, sea_level - aux(1, :, :))
        return
    end if
    open(unit, file='start.bin', access='stream', form='unformatted', status='old')
    read(unit) extent
    columns = nint(extent(1))
    i = nint((xlower - west) / dx)   ! columns and rows before those of this patch
    j = nint((ylower - south) / dy)
    do row = 1, my
        first = int(j + row - 1, 8) * columns + i
        read(unit, pos=17 + 24 * first) q(1:3, 1:mx, row)
    end do
    close(unit)
end subroutine qinit
